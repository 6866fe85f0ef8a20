import { createConcurrency } from './concurrency.ts';
import { createPace, type Asking, type Waits } from './pace.ts';
import { retryAfterOf } from './retry-after.ts';
import { createSemaphore, type Release } from './semaphore.ts';

/** The head of an answer, for what it says of the host's limits. */
export interface Answered {
  readonly sort: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** When the request was sent, by the limiter's clock. */
  readonly startedAt: number;
}

/** Why requests begin to wait longer than for a turn; told once each time. */
export type LimitNotice =
  | { readonly kind: 'spread'; readonly left: number } // little is left of what the host gives: it is spread over the time until there is more
  | { readonly kind: 'throttled'; readonly status: number; readonly concurrency: number } // 429 or 503: fewer at a time
  | { readonly kind: 'quiet'; readonly ms: number }; // Retry-After

export interface LimiterState {
  /** Requests at a time: at present, and as configured. */
  readonly concurrency: number;
  readonly configured: number;
  readonly active: number;
  readonly waiting: number;
  readonly waitedMs: Readonly<Waits>;
}

/** Whose turn it is to send a request to a host. */
export interface Turns {
  /** Never more at a time than this. */
  configure(most: number): void;
  acquire(signal?: AbortSignal, asking?: Asking): Promise<Release>;
  answered(answer: Answered): void;
  recovered(): void;
  state(): LimiterState;
}

export interface TurnsOptions {
  readonly now: () => number;
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly tell: (notice: LimitNotice) => void;
}

/** Turns at a host of which nothing is known yet. */
export function createTurns({ now, wait, tell }: TurnsOptions): Turns {
  const requests = createSemaphore(Number.POSITIVE_INFINITY);
  const concurrency = createConcurrency(now);
  const pace = createPace({ now, wait, onSpread: (left) => tell({ kind: 'spread', left }) });
  let configured = Number.POSITIVE_INFINITY;
  let slowed = false;

  async function acquire(signal?: AbortSignal, asking?: Asking): Promise<Release> {
    let counted = await pace.count(asking, signal);
    let turn: Release | undefined;
    try {
      turn = await requests.acquire(signal, asking?.first);
      if (!counted && pace.counts(asking)) {
        // Learned while we waited. A wait for the budget may be long, and must not hold a turn.
        turn();
        turn = undefined;
        counted = await pace.count(asking, signal);
        turn = await requests.acquire(signal, true);
      }
      await pace.start(asking, signal);
    } catch (thrown) {
      turn?.();
      if (counted) pace.uncount();
      throw thrown;
    }
    return once(turn, counted ? pace.uncount : undefined);
  }
  function overloaded(status: number, askedMs: number | undefined, startedAt: number): void {
    if (askedMs !== undefined && askedMs > 0) pace.quiet(askedMs);
    if (!concurrency.throttled(startedAt, requests.taken)) return;
    pace.throttled();
    requests.resize(concurrency.limit);
    if (slowed) return;
    slowed = true;
    tell(askedMs ? { kind: 'quiet', ms: askedMs } : { kind: 'throttled', status, concurrency: concurrency.limit });
  }
  function bears(): void {
    pace.succeeded();
    const before = concurrency.limit;
    concurrency.succeeded();
    if (concurrency.limit !== before) requests.resize(concurrency.limit);
    if (concurrency.limit >= configured && pace.unlimited) slowed = false;
  }
  return {
    configure(most) {
      configured = most;
      concurrency.configure(most);
      requests.resize(concurrency.limit);
    },
    acquire,
    answered({ sort, status, headers, startedAt }) {
      pace.observe(sort, headers);
      if (status === 429 || status === 503) overloaded(status, retryAfterOf(headers), startedAt);
      else if (status < 500) bears();
    },
    recovered() {
      pace.reset();
      concurrency.reset();
      slowed = false;
      requests.resize(concurrency.limit);
    },
    state: () => ({
      ...{ concurrency: concurrency.limit, configured, active: requests.taken },
      ...{ waiting: requests.waiting + pace.waiting, waitedMs: { ...pace.waitedMs } },
    }),
  };
}

/** Gives both back, at the first call. */
function once(turn: Release, uncount: (() => void) | undefined): Release {
  let held = true;
  return () => {
    if (held) uncount?.();
    held = false;
    turn();
  };
}
