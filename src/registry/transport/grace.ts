import { onAbort } from './signals.ts';

/** How long a request that is asked to end may take for it before its connection is cut. */
const GRACE_MS = 700;

/**
 * Passes an abort on only after a while, to a request that should end by itself: a body sees the signal at once, and ends early if the other side
 * still reads; an upload that is just being opened is still told where it is, so that somebody can remove it.
 * @param body given the signal that cuts the connection
 */
export async function withGrace<T>(signal: AbortSignal | undefined, body: (hard: AbortSignal) => Promise<T>): Promise<T> {
  const hard = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  if (signal?.aborted) hard.abort();
  const unlink = onAbort(signal, () => {
    timer = setTimeout(() => hard.abort(), GRACE_MS);
  });
  try {
    return await body(hard.signal);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}
