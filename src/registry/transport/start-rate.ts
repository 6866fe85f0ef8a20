/** How many requests a second a host bears, found out by its refusals; without one there is no such limit. */
export interface StartRate {
  /** Milliseconds until the next request may start; 0: at once. */
  delay(): number;
  started(): void;
  /** The host refused for being overloaded (429, 503), although fewer were sent at a time, or so it may be. */
  throttled(): void;
  succeeded(): void;
  /** Forgets what was found out. */
  reset(): void;
  /** Requests a second; infinite where there is no limit. */
  readonly perSecond: number;
}

const SHARE_LEFT = 0.7;
const GROWTH = 1.1;
const GROWTH_MS = 1_000;
/** This many times what was refused: the refusal was not for the rate. */
const FORGOTTEN = 4;
/** A host that refuses at a slower pace than this is asked at half that pace, and so on down. */
const SLOW = 10;
const SLOWEST = 0.5;

/** No limit at first. */
export function createStartRate(now: () => number = () => performance.now()): StartRate {
  let rate = Number.POSITIVE_INFINITY;
  let refusedAt = Number.POSITIVE_INFINITY;
  let lastStart = Number.NEGATIVE_INFINITY;
  let changed = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  let [before, count] = [0, 0];

  /** Starts in the present or the last second, whichever were more. */
  function measured(): number {
    turn();
    return Math.max(before, count, 1);
  }
  function turn(): void {
    const passed = Math.floor((now() - second) / 1_000);
    if (passed < 1) return;
    before = passed === 1 ? count : 0;
    count = 0;
    second = passed === 1 ? second + 1_000 : now();
  }
  return {
    delay: () => (rate === Number.POSITIVE_INFINITY ? 0 : Math.max(0, lastStart + 1_000 / rate - now())),
    started() {
      turn();
      count += 1;
      lastStart = now();
    },
    throttled() {
      const seen = Math.min(rate, measured());
      refusedAt = seen;
      rate = rate <= SLOW ? Math.max(SLOWEST, rate / 2) : Math.max(SLOW, seen * SHARE_LEFT);
      changed = now();
    },
    succeeded() {
      if (rate === Number.POSITIVE_INFINITY || now() - changed < GROWTH_MS) return;
      rate = rate * GROWTH > Math.max(refusedAt, SLOW) * FORGOTTEN ? Number.POSITIVE_INFINITY : rate * GROWTH;
      changed = now();
    },
    reset() {
      rate = refusedAt = Number.POSITIVE_INFINITY;
    },
    get perSecond() {
      return rate;
    },
  };
}
