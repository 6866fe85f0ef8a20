import { expect } from '@jest/globals';
import type { SoakReport } from './soak.ts';

/** A run ends after 20 rounds, or when Temporal suggests it: at 4,096 events by its default. */
const LONGEST_HISTORY = 4_096;

/** What holds at the end of any soak. */
export function expectSound({ traffic, faults, lied, stuck, uploads, longestHistory }: SoakReport): void {
  expect(Object.values(traffic).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  expect(Object.keys(faults).length).toBeGreaterThan(1);
  expect(lied).toEqual([]);
  expect(stuck).toEqual([]);
  // Distribution 2.8 has no way to remove an upload whose connection broke; it removes such itself after a week.
  expect(uploads['eu3']).toEqual([]);
  expect(longestHistory).toBeLessThan(LONGEST_HISTORY);
}
