/** Fewer than these tell nothing: a small site's few tags may all have moved, and the primary have collected what they left. */
const FEWEST = 3;
/** From so many on a part of them tells; of fewer, all must be missing. */
const MANY = 10;

/** How many verified digests are asked for at the primary before tags move or go. */
export const SAMPLE = 20;

/**
 * What a sample of digests that were verified from a primary says of it: `regressed` if it lacks more than one in ten (of fewer than ten: all of them),
 * `good` if not more, `unknown` if that cannot be told.
 */
export function judgeSample(sampled: number, missing: number): 'good' | 'regressed' | 'unknown' {
  if (sampled < FEWEST) return 'unknown';
  if (missing * 10 <= sampled) return 'good';
  return sampled >= MANY || missing === sampled ? 'regressed' : 'unknown';
}

/** Whether so many are enough for a part of them to tell. */
export function isTelling(sampled: number): boolean {
  return sampled >= MANY;
}
