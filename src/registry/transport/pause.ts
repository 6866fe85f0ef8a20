import { setTimeout as delay } from 'node:timers/promises';
import { stopped } from './semaphore.ts';

/**
 * Waits.
 * @throws {TwinportError} CANCELLED (the signal was aborted)
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
  } catch (thrown) {
    if (signal?.aborted) throw stopped(signal);
    throw thrown;
  }
}
