import type { LookupFunction } from 'node:net';
import tls, { type SecureContextOptions } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { Endpoint } from '../endpoint.ts';
import { destinationsOf, type Destinations } from './destinations.ts';
import type { Method, StreamedBody } from './request.ts';

/** One HTTP request, its URL final. */
export interface WireRequest {
  readonly method: Method;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly answerMs?: number | undefined;
  /** The other end belongs to the registry, whatever its port: it is shown the client certificate. */
  readonly asRegistry?: boolean | undefined;
}

/** One HTTP answer; the body must be read or destroyed. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
}

/** The connections of a session. */
export interface Wire {
  exchange(request: WireRequest): Promise<WireAnswer>;
  close(): Promise<void>;
}

const CONNECT_MS = 10_000;
const STALL_MS = 60_000;

/** How long nothing may flow on a connection to the endpoint, in milliseconds. */
export function stallMsOf(endpoint: Endpoint): number {
  return endpoint.timeouts?.stallMs ?? STALL_MS;
}

/**
 * Opens the connections to an endpoint, and to wherever it leads.
 * @param resolve finds the addresses of names; the system's, if absent
 */
export function openWire(endpoint: Endpoint, resolve?: LookupFunction): Wire {
  const origin = new URL(endpoint.url).origin;
  const destinations = destinationsOf(endpoint, resolve);
  const own = openAgent(endpoint, ownConnector(endpoint, destinations));
  // A stranger to whom the registry redirects is not shown our certificate, and may not be just anybody.
  const foreign = openAgent(endpoint, foreignConnector(endpoint, destinations, resolve));
  const stallMs = stallMsOf(endpoint);
  return {
    async exchange({ method, url, headers, body, signal, answerMs, asRegistry }) {
      const {
        statusCode,
        headers: answered,
        body: stream,
      } = await (url.origin === origin || asRegistry === true ? own : foreign).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers,
        // The client takes any iterable of bytes; its type does not say so.
        body: (body ?? null) as Uint8Array | null,
        signal: signal ?? null,
        headersTimeout: Math.max(stallMs, answerMs ?? 0),
        bodyTimeout: stallMs,
        // After a HEAD the client would close the connection, for servers that send a body all the same: a handshake for each tag of a scan.
        ...(method === 'HEAD' ? { reset: false } : {}),
      });
      return { status: statusCode, headers: answered, body: stream };
    },
    close: async () => {
      await Promise.all([own.destroy(), foreign.destroy()]);
    },
  };
}

function openAgent({ limits }: Endpoint, connect: buildConnector.connector): Agent {
  // Streams hold a connection, not a request's turn: the pool must never be what they wait for. Large blobs have two ranges a transfer in sum.
  return new Agent({ connections: limits.requests + 4 * limits.transfers, connect });
}

function ownConnector(endpoint: Endpoint, { own }: Destinations): buildConnector.connector {
  const { cert, key } = endpoint.tls ?? {};
  return connector(endpoint, own, cert !== undefined && key !== undefined ? { cert, key } : {});
}

/** Connects only to where the registry may lead: every connection that is no connection to itself comes by here. */
function foreignConnector(endpoint: Endpoint, destinations: Destinations, resolve?: LookupFunction): buildConnector.connector {
  const anywhere = connector(endpoint, resolve);
  const guarded = connector(endpoint, destinations.foreign);
  return (options, callback) => {
    const url = new URL(`${options.protocol}//${options.host ?? options.hostname}`);
    if (destinations.isNamed(url)) return anywhere(options, callback);
    try {
      destinations.check(url.hostname);
    } catch (thrown) {
      return callback(thrown as Error, null);
    }
    guarded(options, callback);
  };
}

/** @param identity what the other end is shown of us */
function connector(endpoint: Endpoint, lookup?: LookupFunction, identity: SecureContextOptions = {}): buildConnector.connector {
  const { timeouts, tls: { ca } = {} } = endpoint;
  const common = { timeout: timeouts?.connectMs ?? CONNECT_MS, ...(lookup ? { lookup } : {}) };
  // A list given here replaces the built-in one.
  const trust = ca === undefined ? {} : { ca: [...tls.rootCertificates, ca] };
  const plain = buildConnector(common);
  let secure: buildConnector.connector | undefined;
  return (options, callback) => {
    if (options.protocol !== 'https:') return plain(options, callback);
    // Once: a list of authorities takes some 30 ms of the processor to read. And only now, so that it is a connection that fails where it is no good.
    secure ??= buildConnector({ ...common, secureContext: tls.createSecureContext({ ...trust, ...identity }) });
    secure(options, callback);
  };
}
