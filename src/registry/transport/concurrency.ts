/** How many requests at a time a host bears, found out by its refusals: halved by each; one more a second while there is none. */
export interface Concurrency {
  /** Never more than this. */
  configure(most: number): void;
  readonly limit: number;
  /**
   * The host refused for being overloaded (429, 503).
   * @param startedAt of that request: what was under way when the last cut was made is no reason for another
   * @param active requests under way
   * @returns whether this was a reason to cut
   */
  throttled(startedAt: number, active: number): boolean;
  succeeded(): void;
  /** Forgets what was found out. */
  reset(): void;
}

const GROWTH_MS = 1_000;

/** At first all that is configured. */
export function createConcurrency(now: () => number = () => performance.now()): Concurrency {
  let most = Number.POSITIVE_INFINITY;
  let limit = most;
  let changedAt = Number.NEGATIVE_INFINITY;
  let cutAt = Number.NEGATIVE_INFINITY;
  let bore = true;
  return {
    configure(next) {
      // One that was cut stays cut; one that was not goes along.
      limit = limit === most ? next : Math.min(limit, next);
      most = next;
    },
    get limit() {
      return limit;
    },
    throttled(startedAt, active) {
      // Where nothing at all is borne, it is not for the number: then a cut a second is enough.
      if (startedAt < cutAt || (!bore && now() - cutAt < GROWTH_MS)) return false;
      // Half of what was really under way: to allow less than nobody used would change nothing.
      limit = Math.max(1, Math.floor(Math.min(limit, Math.max(1, active)) / 2));
      cutAt = changedAt = now();
      bore = false;
      return true;
    },
    succeeded() {
      bore = true;
      if (limit >= most || now() - changedAt < GROWTH_MS) return;
      limit = Math.min(most, limit + 1);
      changedAt = now();
    },
    reset() {
      limit = most;
    },
  };
}
