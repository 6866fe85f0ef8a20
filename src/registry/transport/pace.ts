import { createRateBudget } from './rate-budget.ts';
import { readRateLimits } from './rate-limit-headers.ts';
import { createSemaphore, type Semaphore } from './semaphore.ts';
import { createStartRate } from './start-rate.ts';

/** What a request is to the host's limits. */
export interface Asking {
  /** Its sort, such as `GET manifests`: hosts count some sorts and not others. */
  readonly sort: string;
  /** It ends something that was begun, and goes before all others. */
  readonly first?: boolean;
}

/** Why, and for how long in sum, requests waited beyond their turn, in milliseconds. */
export type Waits = Record<'spread' | 'quiet' | 'throttled', number>;

/** When the next request to a host may start. */
export interface Pace {
  /** Whether the host counts this sort of request, as far as is known. */
  counts(asking: Asking | undefined): boolean;
  /**
   * Waits until this sort of request may be counted by the host.
   * @returns whether it counts: then `uncount` must be called at its end
   */
  count(asking: Asking | undefined, signal?: AbortSignal): Promise<boolean>;
  uncount(): void;
  /** Waits for the host's silence to end, and for its rate. */
  start(asking: Asking | undefined, signal?: AbortSignal): Promise<void>;
  /** Takes in what an answer to this sort of request tells of the host's limits. */
  observe(sort: string, headers: Readonly<Record<string, string | string[] | undefined>>): void;
  /** Nothing starts for so long. */
  quiet(ms: number): void;
  throttled(): void;
  succeeded(): void;
  /** Forgets what was found out by refusals. */
  reset(): void;
  /** No limit but the configured ones is known. */
  readonly unlimited: boolean;
  readonly waiting: number;
  readonly waitedMs: Readonly<Waits>;
}

export interface PaceOptions {
  readonly now: () => number;
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Called at the beginning of a time in which little is left, with how much. */
  readonly onSpread: (left: number) => void;
}

/** What was waited for is looked at again after so long: it may be over sooner than it seemed. */
const LOOK_AGAIN_MS = 1_000;

interface Delay {
  readonly ms: number;
  readonly why: keyof Waits;
}

/** The pace of a host of which nothing is known yet. */
export function createPace({ now, wait, onSpread }: PaceOptions): Pace {
  const rate = createStartRate(now);
  const budget = createRateBudget(now);
  /** Only the first of those who wait looks at the clock. */
  const heads = { count: createSemaphore(1), start: createSemaphore(1) };
  /** Sorts of requests whose answers told what is left. */
  const counting = new Set<string>();
  const waitedMs: Waits = { spread: 0, quiet: 0, throttled: 0 };
  let spreading = false;
  let quietUntil = Number.NEGATIVE_INFINITY;

  /** Waits at the head of a queue until there is no delay, then goes on with `go` before anybody else looks. */
  async function queued(
    head: Semaphore,
    delay: () => Delay,
    go: () => void,
    first: boolean | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    if (head.taken === 0 && delay().ms <= 0) return go();
    const release = await head.acquire(signal, first);
    try {
      for (let next = delay(); next.ms > 0; next = delay()) {
        const ms = Math.min(next.ms, LOOK_AGAIN_MS);
        await wait(ms, signal);
        waitedMs[next.why] += ms;
      }
      go();
    } finally {
      release();
    }
  }
  function countDelay(): Delay {
    const ms = budget.delay();
    if (ms > 0 && !spreading) onSpread(budget.left ?? 0);
    spreading = ms > 0 || (spreading && budget.isLittle);
    return { ms, why: 'spread' };
  }
  function startDelay(): Delay {
    const quiet = quietUntil - now();
    return quiet > 0 ? { ms: quiet, why: 'quiet' } : { ms: rate.delay(), why: 'throttled' };
  }

  const counts = (asking: Asking | undefined): boolean => asking !== undefined && counting.has(asking.sort);
  return {
    counts,
    async count(asking, signal) {
      if (!counts(asking)) return false;
      await queued(heads.count, countDelay, budget.spend, asking?.first, signal);
      return true;
    },
    uncount: budget.answered,
    start: (asking, signal) => queued(heads.start, startDelay, rate.started, asking?.first, signal),
    observe(sort, headers) {
      const limits = readRateLimits(headers);
      if (limits.length === 0) return;
      budget.observe(limits);
      // Docker Hub counts what is pulled: a HEAD tells what is left, and costs nothing.
      if (!(headers['docker-ratelimit-source'] !== undefined && sort.startsWith('HEAD '))) counting.add(sort);
    },
    quiet: (ms) => {
      quietUntil = Math.max(quietUntil, now() + ms);
    },
    throttled: rate.throttled,
    succeeded: rate.succeeded,
    reset() {
      rate.reset();
      quietUntil = Number.NEGATIVE_INFINITY;
    },
    get unlimited() {
      return rate.perSecond === Number.POSITIVE_INFINITY;
    },
    get waiting() {
      return heads.count.waiting;
    },
    waitedMs,
  };
}
