import { pause } from './pause.ts';

/** Keeps a flow, of bytes or of requests, below a rate. */
export interface TokenBucket {
  /** Waits until so many may pass. */
  spend(amount: number, signal?: AbortSignal): Promise<void>;
}

/** Unused time that may be made up for at once. */
const BURST_MS = 250;

/** A bucket of so many a second. */
export function createTokenBucket(perSecond: number): TokenBucket {
  let paidUntil = 0;
  return {
    async spend(amount, signal) {
      const now = performance.now();
      paidUntil = Math.max(paidUntil, now - BURST_MS) + (amount / perSecond) * 1000;
      if (paidUntil > now) await pause(paidUntil - now, signal);
    },
  };
}
