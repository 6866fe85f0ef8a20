import { createHostLimiter, type HostLimiter } from './host-limiter.ts';
import type { Release } from './semaphore.ts';
import type { TransferSize } from './transfers.ts';
import type { LimiterState } from './turns.ts';

export type { HostLimiter } from './host-limiter.ts';
export type { LimiterState, LimitNotice } from './turns.ts';

const hosts = new Map<string, HostLimiter>();

/** The limiter of `host:port`: the one budget of a host, whoever in this process talks to it. */
export function limiterFor(host: string): HostLimiter {
  const known = hosts.get(host);
  if (known) return known;
  const made: HostLimiter = createHostLimiter({
    onIdle: () => {
      if (hosts.get(host) === made) hosts.delete(host);
    },
  });
  hosts.set(host, made);
  return made;
}

/** How each host's limiter stands now: for metrics. */
export function limiterStates(): { readonly host: string; readonly state: LimiterState }[] {
  return [...hosts].map(([host, limiter]) => ({ host, state: limiter.state() }));
}

/**
 * Waits for one of the host's places for a blob's body; the caller holds it for as long as bytes flow.
 * @throws {TwinportError} CANCELLED
 */
export function acquireTransfer(session: { readonly host: string }, signal?: AbortSignal, size: TransferSize = 'small'): Promise<Release> {
  return limiterFor(session.host).acquireTransfer(signal, size);
}
