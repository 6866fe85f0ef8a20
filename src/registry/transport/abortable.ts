import { stopped } from './semaphore.ts';
import { onAbort } from './signals.ts';

/**
 * Waits for something that goes on without us when `signal` is aborted.
 * @throws {TwinportError} CANCELLED
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    // Nobody waits for it any more, so nobody hears of its failure.
    promise.catch(() => undefined);
    throw stopped(signal);
  }
  let unlink = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    unlink = onAbort(signal, () => reject(stopped(signal)));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    unlink();
  }
}
