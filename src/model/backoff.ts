const FIRST_MS = 5_000;
const LONGEST_MS = 3_600_000;

/**
 * How long a failed image sleeps before its next attempt: doubling from 5 s to 1 h.
 * @param attempt 1 for the first failure
 * @param jitter 0…1: spreads images that failed together over the second half of the time
 */
export function backoffMs(attempt: number, jitter: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.round(full * (0.5 + jitter / 2));
}
