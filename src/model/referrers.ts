import type { Digest } from './digest.ts';

/** What refers to an image: a signature, an SBOM. */
export interface Referrer {
  readonly digest: Digest;
  /** What it says to be; null: nothing. */
  readonly artifactType: string | null;
}

/** What was seen to refer to an image, for people. */
export interface Referrers {
  /** All of them. */
  readonly count: number;
  /** The first of them, by digest: payloads of a hundred images must stay small. */
  readonly listed: readonly Referrer[];
}

const LISTED = 20;
const LONGEST_TYPE = 200;

/** Referrers, cut to what is told of them. */
export function toldReferrers(all: readonly Referrer[]): Referrers {
  const sorted = all.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const listed = sorted
    .slice(0, LISTED)
    .map(({ digest, artifactType }) => ({ digest, artifactType: artifactType?.slice(0, LONGEST_TYPE) ?? null }));
  return { count: all.length, listed };
}
