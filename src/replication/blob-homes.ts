import type { Digest } from '../model/digest.ts';

const MAX_DIGESTS = 100_000;
const MAX_STRANGERS = 10_000;

/**
 * Which repositories at the secondary were lately seen to hold a blob: from there it can be mounted instead of copied.
 * A hint only; what is mounted is proved by reading it.
 */
export interface BlobHomes {
  /** A repository other than `target` that holds the blob. */
  find(digest: Digest, target: string): string | undefined;
  has(digest: Digest, target: string): boolean;
  add(digest: Digest, target: string): void;
  forget(digest: Digest, target: string): void;
  /** The secondary does not know the repository. */
  unknown(target: string): void;
  /** Whether it was unknown just now; once, for whoever asks will fill it. */
  takeUnknown(target: string): boolean;
}

const UNKNOWN_MS = 60_000;

/** A bounded memory of blob homes; the digest that was added first is forgotten first. */
export function createBlobHomes(): BlobHomes {
  const homes = new Map<Digest, string[]>();
  const strangers = new Map<string, number>();
  return {
    find: (digest, target) => homes.get(digest)?.find((home) => home !== target),
    has: (digest, target) => homes.get(digest)?.includes(target) ?? false,
    add(digest, target) {
      const known = homes.get(digest) ?? [];
      if (known.includes(target)) return;
      homes.set(digest, [target, ...known].slice(0, 3));
      if (homes.size > MAX_DIGESTS) homes.delete(homes.keys().next().value as Digest);
    },
    forget(digest, target) {
      const left = homes.get(digest)?.filter((home) => home !== target) ?? [];
      if (left.length > 0) homes.set(digest, left);
      else homes.delete(digest);
    },
    unknown(target) {
      strangers.delete(target);
      strangers.set(target, performance.now());
      if (strangers.size > MAX_STRANGERS) strangers.delete(strangers.keys().next().value ?? '');
    },
    takeUnknown(target) {
      const at = strangers.get(target);
      strangers.delete(target);
      return at !== undefined && performance.now() - at < UNKNOWN_MS;
    },
  };
}
