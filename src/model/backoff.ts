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

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/**
 * How long an image that keeps being pushed waits before its next round, in milliseconds: none after the first round, then doubling from 250 ms to
 * 2 s. One push is never delayed; two hundred in a row take a handful of rounds.
 * @param rounds rounds in a row during which another push came
 */
export function burstPauseMs(rounds: number): number {
  return rounds < 2 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(rounds - 2, 10));
}
