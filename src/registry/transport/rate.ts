import { pause } from './pause.ts';
import { stopped } from './semaphore.ts';
import { onAbort } from './signals.ts';

/** Keeps a flow, of bytes or of requests, below a rate that may be changed while some of it waits. */
export interface Rate {
  /** Waits until so many may pass. */
  spend(amount: number, signal?: AbortSignal): Promise<void>;
  /** So many a second from now on; `undefined`: as they come. What waits for the old rate goes on at once. */
  set(perSecond: number | undefined): void;
}

/** Unused time that may be made up for at once. */
const BURST_MS = 250;

/** A rate of so many a second; `undefined`: none yet. */
export function createRate(perSecond?: number): Rate {
  let rate = perSecond;
  let paidUntil = 0;
  const waiting = new Set<() => void>();

  async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw stopped(signal);
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    waiting.add(wake);
    const unlink = onAbort(signal, wake);
    try {
      await pause(ms, woken.signal);
    } catch (thrown) {
      if (!woken.signal.aborted) throw thrown;
      if (signal?.aborted) throw stopped(signal);
    } finally {
      waiting.delete(wake);
      unlink();
    }
  }
  return {
    async spend(amount, signal) {
      if (rate === undefined) return;
      const now = performance.now();
      paidUntil = Math.max(paidUntil, now - BURST_MS) + (amount / rate) * 1000;
      if (paidUntil > now) await wait(paidUntil - now, signal);
    },
    set(next) {
      if (next === rate) return;
      rate = next;
      paidUntil = 0;
      for (const wake of waiting) wake();
    },
  };
}
