import { authorizerFor } from './auth/authorizer-for.ts';
import type { Capabilities } from './capabilities.ts';
import type { Endpoint, EndpointLimits } from './endpoint.ts';
import type { Peer } from './errors.ts';
import { watchHost, type Patience, type WatchOptions } from './host-watch.ts';
import { kindOf } from './kinds/index.ts';
import { callApi, type ApiRequest } from './transport/call-api.ts';
import type { OnRequest } from './transport/exchange.ts';
import { limiterFor, type HostLimiter, type LimitNotice } from './transport/limiter.ts';
import { hostOf } from './transport/target-url.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';
import { send } from './transport/send.ts';
import { openWire } from './transport/wire.ts';

/** The conversation with one registry: connections, tokens, limits, and what was learned about it. */
export interface Session {
  readonly endpoint: Endpoint;
  /** `host:port` */
  readonly host: string;
  readonly capabilities: Capabilities;
  /** @throws {RegistryError} for every status that the request does not accept, and for broken connections */
  send(request: RegistryRequest): Promise<RegistryResponse>;
  /**
   * Sends a request to the API of its own that this kind of registry has beside `/v2/`, in the budget of that API's host.
   * @throws {RegistryError} as `send`
   */
  call(request: ApiRequest): Promise<RegistryResponse>;
  /**
   * Waits for as long as the registry is known to be away; only a watched session knows.
   * @throws {RegistryError} UNREACHABLE (the patience is over), CANCELLED
   */
  untilBack(patience: Patience, signal?: AbortSignal): Promise<void>;
  /** Takes part in its hosts' budgets with other limits from now on; what is under way goes on. */
  setLimits(limits: EndpointLimits): void;
  close(): Promise<void>;
  readonly counters: { readonly requests: number; readonly bytesReceived: number; readonly bytesSent: number };
}

export interface SessionOptions {
  /** Told of each HTTP request, redirects included. */
  readonly onRequest?: OnRequest;
  /** Told when a host's limits begin to make requests wait. */
  readonly onLimit?: (host: string, notice: LimitNotice) => void;
  /** Finds out when the registry is away, and then sends nothing until a probe is answered; without it every request is sent. */
  readonly watch?: WatchOptions;
}

/** Opens a session; nothing is sent yet. */
export function openSession(endpoint: Endpoint, options: SessionOptions = {}): Session {
  const host = hostOf(endpoint.url);
  const peer: Peer = { endpoint, host };
  const wire = openWire(endpoint);
  const limits = openLimits(endpoint, options.onLimit);
  const counters = { requests: 0, bytesReceived: 0, bytesSent: 0 };
  const shared = { wire, counters, onRequest: options.onRequest };
  const context = { ...shared, peer, limiter: limits.of(host), authorizer: authorizerFor(wire, peer) };
  const watch = options.watch && watchHost({ ...options.watch, peer, wire, recovered: context.limiter.recovered });
  return {
    endpoint,
    host,
    capabilities: { ...kindOf(endpoint.kind).capabilities },
    send: (request) => (watch ? watch.guard(request, () => send(context, request)) : send(context, request)),
    call: (request) => callApi({ ...shared, peer }, (apiHost) => limits.of(apiHost), request),
    untilBack: async (patience, signal) => watch?.untilBack(patience, signal),
    setLimits: limits.set,
    async close() {
      watch?.close();
      limits.leave();
      await wire.close();
    },
    counters,
  };
}

/** The budgets of the hosts that a session talks to: its registry's, and its API's where that is elsewhere. */
function openLimits(
  endpoint: Endpoint,
  onLimit: SessionOptions['onLimit'],
): { of(host: string): HostLimiter; set(limits: EndpointLimits): void; leave(): void } {
  const joined = new Map<string, { limiter: HostLimiter; leave: () => void }>();
  let { limits } = endpoint;
  const join = (host: string, limiter: HostLimiter): HostLimiter => {
    joined.set(host, { limiter, leave: limiter.join(limits, (notice) => onLimit?.(host, notice)) });
    return limiter;
  };
  return {
    of: (host) => joined.get(host)?.limiter ?? join(host, limiterFor(host)),
    set(next) {
      limits = next;
      for (const [host, { limiter, leave }] of [...joined]) {
        // First the new, for a limiter that everybody has left is given up.
        join(host, limiter);
        leave();
      }
    },
    leave() {
      for (const { leave } of joined.values()) leave();
      joined.clear();
    },
  };
}
