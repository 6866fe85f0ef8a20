import { pause } from './pause.ts';

/** Keeps a flow of bytes below a rate. */
export interface TokenBucket {
  /** Waits until `bytes` may pass. */
  spend(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** Unused time that may be made up for at once. */
const BURST_MS = 250;

/** A bucket of `bytesPerSecond`. */
export function createTokenBucket(bytesPerSecond: number): TokenBucket {
  let paidUntil = 0;
  return {
    async spend(bytes, signal) {
      const now = performance.now();
      paidUntil = Math.max(paidUntil, now - BURST_MS) + (bytes / bytesPerSecond) * 1000;
      if (paidUntil > now) await pause(paidUntil - now, signal);
    },
  };
}
