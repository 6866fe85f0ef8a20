import { setMaxListeners } from 'node:events';

/**
 * Listens for a caller's abort.
 * @returns what stops the listening; callers' signals live long, and must not gather listeners
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return () => undefined;
  manyMayListen(signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** One activity's signal serves all of its requests at once: that many listeners are no leak. */
export function manyMayListen(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}

/** A signal of our own that is aborted with the caller's, and may be sooner. */
export function followAbort(outer: AbortSignal | undefined): { readonly controller: AbortController; readonly unlink: () => void } {
  const controller = new AbortController();
  const follow = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  return { controller, unlink: onAbort(outer, follow) };
}
