/** How many ranges of one blob are read at a time from a primary. It begins with one, tries twice as many, and keeps what measured faster. */
export interface RangePlan {
  /** What proved best lately; 1: one connection, without ranges. */
  readonly ranges: number;
  /** Whether it is time to find out whether more would be faster. */
  readonly due: boolean;
  /** Whether so many bytes a second are worth twice the connections that brought so many. */
  gains(rate: number, before: number): boolean;
  /** Tells what a trial of so many ranges at a time found, in bytes a second, beside what the step before it gave. @returns how many to go on with */
  tried(ranges: number, rate: number, before: number): number;
  /** Nothing is to be gained, or the registry knows no ranges: one connection, for a while. */
  settle(ranges: number): void;
  /** Takes one of the places for pieces that wait in memory, whichever blob they are of. */
  take(): boolean;
  give(): void;
}

/** Of a blob, in bytes: so much is lost at most where a piece must be read again. */
export const PIECE_BYTES = 4 * 1024 * 1024;
const MOST_RANGES = 8;
/** All blobs of a site together: 64 MiB. */
const PLACES = 16;
/** Twice the connections must bring a quarter more at least: they cost requests and memory. */
const GAIN = 1.25;
const SETTLED_MS = 60_000;

/** The plan for a primary of which nothing is known yet. */
export function createRangePlan(now: () => number = () => performance.now()): RangePlan {
  let ranges = 1;
  let settledAt = Number.NEGATIVE_INFINITY;
  let places = PLACES;
  const gains = (rate: number, before: number): boolean => rate >= GAIN * before;
  const settle = (best: number): void => {
    ranges = best;
    settledAt = now();
  };
  return {
    get ranges() {
      return ranges;
    },
    get due() {
      return now() - settledAt > SETTLED_MS;
    },
    gains,
    tried(count, rate, before) {
      if (!gains(rate, before)) settle(Math.max(1, count / 2));
      else if (count >= MOST_RANGES) settle(count);
      else ranges = count * 2;
      return ranges;
    },
    settle,
    take() {
      if (places === 0) return false;
      places -= 1;
      return true;
    },
    give() {
      places += 1;
    },
  };
}
