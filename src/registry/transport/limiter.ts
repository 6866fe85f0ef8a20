import type { EndpointLimits } from '../endpoint.ts';
import { pause } from './pause.ts';
import { createSemaphore, type Release } from './semaphore.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

/** The one budget of a host and port, whoever in this process talks to it. */
export interface HostLimiter {
  /** A turn for a request; waits while the host asked for quiet. */
  acquireRequest(signal?: AbortSignal): Promise<Release>;
  acquireTransfer(signal?: AbortSignal, size?: TransferSize): Promise<Release>;
  /** Waits until these bytes of a blob may pass. */
  spend(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Sends nothing for so long: what a 429 asks for. */
  quiet(ms: number): void;
  /** Takes part with these limits until the returned function is called. */
  join(limits: EndpointLimits): Release;
}

/** A `large` body holds its place for long: some places are kept free of them. */
export type TransferSize = 'small' | 'large';

const hosts = new Map<string, HostLimiter>();

/** The limiter of `host:port`. */
export function limiterFor(host: string): HostLimiter {
  const known = hosts.get(host);
  if (known) return known;
  const made: HostLimiter = createLimiter(() => {
    if (hosts.get(host) === made) hosts.delete(host);
  });
  hosts.set(host, made);
  return made;
}

/**
 * Waits for one of the host's places for a blob's body; the caller holds it for as long as bytes flow.
 * @throws {TwinportError} CANCELLED
 */
export function acquireTransfer(session: { readonly host: string }, signal?: AbortSignal, size: TransferSize = 'small'): Promise<Release> {
  return limiterFor(session.host).acquireTransfer(signal, size);
}

/** One in so many places, but at least one of several, is never a large body's. */
const KEPT_FREE = 4;

function createLimiter(onIdle: () => void): HostLimiter {
  const members = new Set<EndpointLimits>();
  const requests = createSemaphore(Number.POSITIVE_INFINITY);
  const transfers = createSemaphore(Number.POSITIVE_INFINITY);
  const large = createSemaphore(Number.POSITIVE_INFINITY);
  let bucket: TokenBucket | undefined;
  let rate = Number.POSITIVE_INFINITY;
  let quietUntil = 0;

  function adjust(): void {
    const lowest = (of: (limits: EndpointLimits) => number): number => Math.min(Number.POSITIVE_INFINITY, ...[...members].map(of));
    requests.resize(
      Math.max(
        1,
        lowest((limits) => limits.requests),
      ),
    );
    const places = Math.max(
      1,
      lowest((limits) => limits.transfers),
    );
    transfers.resize(places);
    const kept = Number.isFinite(places) ? Math.max(1, Math.floor(places / KEPT_FREE)) : 0;
    large.resize(Math.max(1, places - kept));
    const wanted = lowest((limits) => limits.bytesPerSecond ?? Number.POSITIVE_INFINITY);
    if (wanted === rate) return;
    rate = wanted;
    bucket = Number.isFinite(rate) ? createTokenBucket(Math.max(1, rate)) : undefined;
  }

  async function acquireRequest(signal?: AbortSignal): Promise<Release> {
    for (;;) {
      const release = await requests.acquire(signal);
      const left = quietUntil - performance.now();
      if (left <= 0) return release;
      release();
      await pause(left, signal);
    }
  }

  async function acquireTransfer(signal?: AbortSignal, size: TransferSize = 'small'): Promise<Release> {
    if (size === 'small') return transfers.acquire(signal);
    const permit = await large.acquire(signal);
    try {
      const release = await transfers.acquire(signal);
      return () => {
        release();
        permit();
      };
    } catch (thrown) {
      permit();
      throw thrown;
    }
  }

  return {
    acquireRequest,
    acquireTransfer,
    spend: async (bytes, signal) => bucket?.spend(bytes, signal),
    quiet: (ms) => {
      quietUntil = Math.max(quietUntil, performance.now() + ms);
    },
    join: (limits) => {
      // A copy: two sessions may well be opened with the same object.
      const member = { ...limits };
      members.add(member);
      adjust();
      return () => {
        members.delete(member);
        adjust();
        if (members.size === 0) onIdle();
      };
    },
  };
}
