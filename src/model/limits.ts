/** What may be changed of a running site; what is absent stays as it is configured. */
export interface SiteLimits {
  /** Requests to the site's registry at a time. */
  readonly requests?: number;
  /** Blob bodies to and from it at a time. */
  readonly transfers?: number;
  /** Of these bodies, in both directions together. */
  readonly bytesPerSecond?: number;
  /** What comparing may cost each of the two registries. */
  readonly scanRequestsPerSecond?: number;
}

/** The least and the most that each of them may be. */
export const LIMIT_BOUNDS: Readonly<Record<keyof SiteLimits, readonly [number, number]>> = {
  requests: [1, 10_000],
  transfers: [1, 1_000],
  // Less than this and a blob's pieces take longer than a registry waits.
  bytesPerSecond: [1_024, 1e12],
  scanRequestsPerSecond: [1, 100_000],
};

/**
 * Reads limits as a person may have written them, by hand into a signal too.
 * @returns them, or one sentence on what is wrong
 */
export function readLimits(value: unknown): SiteLimits | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'limits are an object, such as {"bytesPerSecond": 1048576}';
  const entries = Object.entries(value);
  for (const [name, given] of entries) {
    const bounds = Object.hasOwn(LIMIT_BOUNDS, name) ? LIMIT_BOUNDS[name as keyof SiteLimits] : undefined;
    if (!bounds) return `there is no limit ${JSON.stringify(name.slice(0, 50))}; there are ${Object.keys(LIMIT_BOUNDS).join(', ')}`;
    if (!Number.isSafeInteger(given) || (given as number) < bounds[0] || (given as number) > bounds[1])
      return `${name} is a whole number from ${bounds[0]} to ${bounds[1]}, and was ${JSON.stringify(given)?.slice(0, 50)}`;
  }
  return entries.length === 0 ? 'no limit is named' : Object.fromEntries(entries);
}
