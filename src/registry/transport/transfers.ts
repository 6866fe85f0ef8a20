import { createSemaphore, type Release } from './semaphore.ts';
import { createRate } from './rate.ts';

/** A `large` body holds its place for long: some places are kept free of them. */
export type TransferSize = 'small' | 'large';

/** The places and the rate of blobs' bodies to and from a host. */
export interface Transfers {
  /** @param places at a time @param bytesPerSecond in both directions together */
  configure(places: number, bytesPerSecond: number): void;
  acquire(signal?: AbortSignal, size?: TransferSize): Promise<Release>;
  /** Waits until these bytes may pass. */
  spend(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** One in so many places, but at least one of several, is never a large body's. */
const KEPT_FREE = 4;

/** Without limits at first. */
export function createTransfers(): Transfers {
  const all = createSemaphore(Number.POSITIVE_INFINITY);
  const large = createSemaphore(Number.POSITIVE_INFINITY);
  const bytes = createRate();
  return {
    configure(places, bytesPerSecond) {
      all.resize(places);
      const kept = Number.isFinite(places) ? Math.max(1, Math.floor(places / KEPT_FREE)) : 0;
      large.resize(Math.max(1, places - kept));
      bytes.set(Number.isFinite(bytesPerSecond) ? Math.max(1, bytesPerSecond) : undefined);
    },
    async acquire(signal, size = 'small') {
      if (size === 'small') return all.acquire(signal);
      const permit = await large.acquire(signal);
      try {
        const release = await all.acquire(signal);
        return () => {
          release();
          permit();
        };
      } catch (thrown) {
        permit();
        throw thrown;
      }
    },
    spend: bytes.spend,
  };
}
