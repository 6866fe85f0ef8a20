import { isStreamed, type RegistryRequest } from './request.ts';

/** A host that stays overloaded fails the request; whoever asked tries again, much later. */
const TRIES = { 429: 4, 503: 2 } as const;

/** What is to be waited for longer is told instead: the caller may have better to do. */
const LONGEST_MS = 60_000;
const FIRST_PAUSE_MS = 200;

/**
 * Whether, and after how long, a request that was refused for the host's load may be sent once more, in milliseconds; `undefined`: not again. The
 * limiter keeps what `Retry-After` says; without it the pause doubles.
 * @param askedMs what `Retry-After` asks for
 * @param tries made so far
 */
export function overloadPauseMs(
  request: { readonly method: string; readonly body?: RegistryRequest['body'] | undefined },
  status: number,
  askedMs: number | undefined,
  tries: number,
): number | undefined {
  if ((status !== 429 && status !== 503) || tries >= TRIES[status] || isStreamed(request.body)) return undefined;
  // A 503 may come after the work was begun: only what can be done twice is.
  if (status === 503 && request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  if (askedMs !== undefined) return askedMs > LONGEST_MS ? undefined : 0;
  return FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2);
}
