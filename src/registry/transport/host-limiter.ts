import type { EndpointLimits } from '../endpoint.ts';
import type { Asking } from './pace.ts';
import { pause } from './pause.ts';
import type { Release } from './semaphore.ts';
import { createTransfers, type TransferSize } from './transfers.ts';
import { createTurns, type Answered, type LimiterState, type LimitNotice } from './turns.ts';

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
export function createHostLimiter(options: LimiterOptions = {}): HostLimiter {
  const { onIdle = () => undefined, now = () => performance.now(), wait = pause } = options;
  const members = new Set<Member>();
  const transfers = createTransfers();
  const turns = createTurns({ now, wait, tell: (notice) => [...members].find(({ onNotice }) => onNotice)?.onNotice?.(notice) });

  function adjust(): void {
    turns.configure(Math.max(1, lowest(members, 'requests')));
    transfers.configure(Math.max(1, lowest(members, 'transfers')), lowest(members, 'bytesPerSecond'));
  }
  return {
    acquireRequest: turns.acquire,
    acquireTransfer: transfers.acquire,
    spend: transfers.spend,
    answered: turns.answered,
    recovered: turns.recovered,
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
    now,
    state: turns.state,
  };
}

function lowest(members: ReadonlySet<Member>, limit: keyof EndpointLimits): number {
  return Math.min(Number.POSITIVE_INFINITY, ...[...members].map(({ limits }) => limits[limit] ?? Number.POSITIVE_INFINITY));
}
