/**
 * How far a registry's clock is ahead of ours.
 * @param date its answer's `Date`, which has whole seconds
 * @returns milliseconds, negative if it is behind; `NaN` if it does not tell its time
 */
export function clockAheadMs(date: string | undefined): number {
  return date === undefined ? Number.NaN : Date.parse(date) - Date.now();
}
