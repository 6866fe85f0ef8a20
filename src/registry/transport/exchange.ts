import type { Peer } from '../errors.ts';
import { registryError } from '../errors.ts';
import { headerOf } from './headers.ts';
import type { HostLimiter } from './limiter.ts';
import { watchOutgoing, type OutgoingBody } from './outgoing.ts';
import { isRedirect, MAX_REDIRECTS, resolveLocation } from './redirects.ts';
import { isStreamed, type RegistryRequest } from './request.ts';
import type { Release } from './semaphore.ts';
import { followAbort, manyMayListen } from './signals.ts';
import type { Wire, WireAnswer } from './wire.ts';

/** What is told of each HTTP request: for metrics. */
export interface RequestRecord {
  readonly side: 'primary' | 'secondary';
  readonly host: string;
  readonly method: string;
  /** Absent where no answer came. */
  readonly status?: number;
  /** Until the answer's head. */
  readonly durationMs: number;
}

export type OnRequest = (record: RequestRecord) => void;

/** An answer whose body is still to be read. `end` must be called once it is. */
export interface Exchange {
  readonly status: number;
  readonly answer: WireAnswer;
  readonly url: URL;
  /** The answer came from another origin, or by way of one. */
  readonly redirected: boolean;
  /** Gives the host's turn to the next request, while the body may flow on. */
  release(): void;
  end(): void;
}

export interface ExchangeParts {
  readonly peer: Peer;
  readonly wire: Wire;
  readonly limiter: HostLimiter;
  readonly counters: { requests: number; bytesSent: number };
  readonly onRequest?: OnRequest | undefined;
  readonly stallMs: number;
  readonly release: Release;
}

/** Makes the function that sends one request and follows where its answer leads. */
export function createExchange(
  parts: ExchangeParts,
): (request: RegistryRequest, url: URL, authorization: string | undefined) => Promise<Exchange> {
  return async (request, url, authorization) => {
    const abort = isStreamed(request.body) ? linkAbort(request.signal) : passAbort(request.signal);
    const end = (): void => {
      abort.unlink();
      parts.release();
    };
    const outgoing = watch(parts, request, abort);
    try {
      const { answer, at, left } = await follow(parts, request, url, authorization, outgoing?.body ?? bodyOf(request), abort.signal);
      return { status: answer.status, answer, url: at, redirected: left, release: parts.release, end };
    } catch (thrown) {
      end();
      // A source that breaks off shows as a broken request: the source is to blame.
      throw outgoing?.failure ? outgoing.failure.thrown : abort.stalled ? stall() : thrown;
    } finally {
      outgoing?.finish();
    }
  };
}

type Sent = OutgoingBody['body'] | Uint8Array | undefined;

async function follow(
  parts: ExchangeParts,
  request: RegistryRequest,
  start: URL,
  authorization: string | undefined,
  body: Sent,
  signal: AbortSignal | undefined,
): Promise<{ answer: WireAnswer; at: URL; left: boolean }> {
  let at = start;
  let again = true;
  // A stranger may not send us back with the credentials in hand, to a path of its choice.
  let left = false;
  for (let hops = 0; ; hops++) {
    const answer = await once(parts, request, at, left ? undefined : authorization, body, signal);
    if (isRedirect(request, answer)) {
      dump(answer);
      if (hops === MAX_REDIRECTS) throw registryError(parts.peer, request, 'PROTOCOL', `redirected more than ${MAX_REDIRECTS} times`);
      at = resolveLocation(parts.peer, request, headerOf(answer.headers, 'location') ?? '', at);
      left ||= at.origin !== start.origin;
    } else if (answer.status === 403 && at.origin !== start.origin && again) {
      // A signed URL that has just expired: the registry makes a new one.
      dump(answer);
      again = false;
      at = start;
      left = false;
      hops = -1;
    } else {
      return { answer, at, left };
    }
  }
}

async function once(
  parts: ExchangeParts,
  request: RegistryRequest,
  url: URL,
  authorization: string | undefined,
  body: Sent,
  signal: AbortSignal | undefined,
): Promise<WireAnswer> {
  const { peer, wire, counters, onRequest } = parts;
  // A process that was stopped for a while (or waited long for its turn) must not act on what it knew before.
  if (request.sendBy !== undefined && performance.now() > request.sendBy) {
    throw registryError(peer, request, 'LATE', 'not sent, because what it rests on was read too long ago');
  }
  const headers = { ...request.headers, ...(authorization ? { authorization } : {}), ...lengthOf(request) };
  const began = performance.now();
  const record = (status?: number): void =>
    onRequest?.({
      side: peer.endpoint.side,
      host: peer.host,
      method: request.method,
      ...(status === undefined ? {} : { status }),
      durationMs: performance.now() - began,
    });
  counters.requests += 1;
  if (body instanceof Uint8Array) counters.bytesSent += body.length;
  try {
    const answer = await wire.exchange({ method: request.method, url, headers, body, signal, answerMs: request.answerMs });
    record(answer.status);
    return answer;
  } catch (thrown) {
    record();
    throw thrown;
  }
}

function bodyOf(request: RegistryRequest): Uint8Array | undefined {
  return request.body instanceof Uint8Array ? request.body : undefined;
}

function lengthOf(request: RegistryRequest): Record<string, string> {
  return isStreamed(request.body) && request.length !== undefined ? { 'content-length': String(request.length) } : {};
}

function watch(parts: ExchangeParts, request: RegistryRequest, abort: LinkedAbort): OutgoingBody | undefined {
  if (!isStreamed(request.body)) return undefined;
  return watchOutgoing(request.body, {
    limiter: parts.limiter,
    stallMs: parts.stallMs,
    signal: abort.signal,
    // A long body must not keep small requests from their turn.
    onStart: parts.release,
    onBytes: (bytes) => {
      parts.counters.bytesSent += bytes;
    },
    onStall: abort.stall,
  });
}

/** Reads what little a redirect says, so that the connection can be used again. */
function dump(answer: WireAnswer): void {
  void answer.body.dump({ limit: 16 * 1024 }).catch(() => undefined);
}

interface LinkedAbort {
  readonly signal: AbortSignal | undefined;
  readonly stalled: boolean;
  stall(): void;
  unlink(): void;
}

/** What cannot stall needs no signal of its own: the HTTP client lets go of the caller's when it is done. */
function passAbort(signal: AbortSignal | undefined): LinkedAbort {
  if (signal) manyMayListen(signal);
  return { signal, stalled: false, stall: () => undefined, unlink: () => undefined };
}

/** A signal of our own that follows the caller's: callers' signals live long, and must not gather listeners. */
function linkAbort(outer: AbortSignal | undefined): LinkedAbort {
  const { controller, unlink } = followAbort(outer);
  let stalled = false;
  return {
    signal: controller.signal,
    get stalled() {
      return stalled;
    },
    stall: () => {
      stalled = true;
      controller.abort();
    },
    unlink,
  };
}

function stall(): Error {
  return Object.assign(new Error('the other end takes no more bytes'), { code: 'TWINPORT_STALL' });
}
