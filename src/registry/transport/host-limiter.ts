import type { EndpointLimits } from '../endpoint.ts';
import { createConcurrency } from './concurrency.ts';
import { createPace, type Asking, type Waits } from './pace.ts';
import { pause } from './pause.ts';
import { retryAfterMs } from './retry-after.ts';
import { createSemaphore, type Release } from './semaphore.ts';
import { createTransfers, type TransferSize } from './transfers.ts';

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

/** The one budget of a host and port, whoever in this process talks to it. */
export interface HostLimiter {
  /** A turn for a request; waits for as long as the host asked for, and spreads what little it still gives. It never refuses. */
  acquireRequest(signal?: AbortSignal, asking?: Asking): Promise<Release>;
  acquireTransfer(signal?: AbortSignal, size?: TransferSize): Promise<Release>;
  /** Waits until these bytes of a blob may pass. */
  spend(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Learns from the head of an answer. */
  answered(answer: Answered): void;
  /** The host was away and is back: what was found out about it before is no longer true. */
  recovered(): void;
  /** Takes part with these limits until the returned function is called; one of those who take part is told of what begins. */
  join(limits: EndpointLimits, onNotice?: (notice: LimitNotice) => void): Release;
  now(): number;
  state(): LimiterState;
}

export interface LimiterOptions {
  /** Nobody takes part any more. */
  readonly onIdle?: () => void;
  /** Milliseconds, and how they are waited for; the process's own if absent. */
  readonly now?: () => number;
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

interface Member {
  readonly limits: EndpointLimits;
  readonly onNotice: ((notice: LimitNotice) => void) | undefined;
}

/** A limiter of a host of which nothing is known yet. */
export function createHostLimiter({
  onIdle = () => undefined,
  now = performance.now.bind(performance),
  wait = pause,
}: LimiterOptions = {}): HostLimiter {
  const members = new Set<Member>();
  const requests = createSemaphore(Number.POSITIVE_INFINITY);
  const concurrency = createConcurrency(now);
  const transfers = createTransfers();
  const tell = (notice: LimitNotice): void => [...members].find(({ onNotice }) => onNotice)?.onNotice?.(notice);
  const pace = createPace({ now, wait, onSpread: (left) => tell({ kind: 'spread', left }) });
  let configured = Number.POSITIVE_INFINITY;
  let slowed = false;

  function adjust(): void {
    configured = Math.max(1, lowest(members, 'requests'));
    concurrency.configure(configured);
    requests.resize(concurrency.limit);
    transfers.configure(Math.max(1, lowest(members, 'transfers')), lowest(members, 'bytesPerSecond'));
  }

  async function acquireRequest(signal?: AbortSignal, asking?: Asking): Promise<Release> {
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
    acquireRequest,
    acquireTransfer: transfers.acquire,
    spend: transfers.spend,
    answered({ sort, status, headers, startedAt }) {
      pace.observe(sort, headers);
      if (status === 429 || status === 503) overloaded(status, retryAfterMs(headers['retry-after']?.toString()), startedAt);
      else if (status < 500) bears();
    },
    join(limits, onNotice) {
      // A copy: two sessions may well be opened with the same object.
      const member: Member = { limits: { ...limits }, onNotice };
      members.add(member);
      adjust();
      return () => {
        members.delete(member);
        adjust();
        if (members.size === 0) onIdle();
      };
    },
    recovered() {
      pace.reset();
      concurrency.reset();
      slowed = false;
      requests.resize(concurrency.limit);
    },
    now,
    state: () => ({
      ...{ concurrency: concurrency.limit, configured, active: requests.taken },
      ...{ waiting: requests.waiting + pace.waiting, waitedMs: { ...pace.waitedMs } },
    }),
  };
}

function lowest(members: ReadonlySet<Member>, limit: keyof EndpointLimits): number {
  return Math.min(Number.POSITIVE_INFINITY, ...[...members].map(({ limits }) => limits[limit] ?? Number.POSITIVE_INFINITY));
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
