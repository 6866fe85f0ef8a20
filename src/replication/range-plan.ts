/**
 * How many ranges of a large blob are read at a time from a primary. One blob at a time tries twice as many, judged by all that comes from the
 * primary meanwhile (what one blob only takes from the others is no gain), and what measured best holds for all of them, until it is tried anew.
 */
export interface RangePlan {
  /** What measured best lately; 1: one connection, without ranges. */
  readonly ranges: number;
  /** It is time to find out what is best, and nobody does. */
  readonly due: boolean;
  /** Bytes that have come from the primary, of all blobs. */
  readonly bytes: number;
  came(bytes: number): void;
  /** Begins a trial, which ends with `settle`, or with `giveUp` where nothing was found out. */
  begin(): void;
  giveUp(): void;
  /** So many are best. */
  settle(ranges: number): void;
  /** How many pieces a blob may have in memory, or under way, beside those that are read in ranges already. */
  share(others: number): number;
  /** Takes part in the sharing. @returns what ends that */
  join(): () => void;
  /** Blobs that are read in ranges. */
  readonly active: number;
}

/** Of a blob, in bytes: so much is lost at most where a piece must be read again. */
export const PIECE_BYTES = 4 * 1024 * 1024;
const MOST_RANGES = 8;
/** All blobs of a site together: 64 MiB. */
const MOST_PIECES = 16;
const SETTLED_MS = 60_000;

/** The plan for a primary of which nothing is known yet. @param transfers how many bodies at a time it is to bear */
export function createRangePlan(transfers: number, now: () => number = () => performance.now()): RangePlan {
  const pieces = Math.min(MOST_PIECES, 2 * transfers);
  let ranges = 1;
  let settledAt = Number.NEGATIVE_INFINITY;
  let trying = false;
  let bytes = 0;
  let active = 0;
  return {
    get ranges() {
      return ranges;
    },
    get due() {
      return !trying && now() - settledAt > SETTLED_MS;
    },
    get bytes() {
      return bytes;
    },
    came(length) {
      bytes += length;
    },
    begin() {
      trying = true;
    },
    giveUp() {
      trying = false;
    },
    settle(best) {
      ranges = best;
      trying = false;
      settledAt = now();
    },
    share: (others) => Math.min(MOST_RANGES, transfers, Math.floor(pieces / (others + 1))),
    join() {
      active += 1;
      return () => {
        active -= 1;
      };
    },
    get active() {
      return active;
    },
  };
}
