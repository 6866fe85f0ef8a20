import type { Authorizer } from './auth/authorizer.ts';
import { challengeAuth } from './auth/challenge-auth.ts';
import { fixedAuth } from './auth/fixed-auth.ts';
import { tokenKeyAuth } from './auth/token-key-auth.ts';
import type { Endpoint } from './endpoint.ts';
import type { Peer } from './errors.ts';
import type { OnRequest } from './transport/exchange.ts';
import { limiterFor } from './transport/limiter.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';
import { send } from './transport/send.ts';
import { openWire, type Wire } from './transport/wire.ts';

/** What a registry can do, as far as it has been seen; `undefined`: not known yet. */
export interface Capabilities {
  /** It answers the referrers API. */
  referrers?: boolean;
  /** A blob can be sent as one PATCH of no stated length, which may end early and cleanly. */
  patch?: boolean;
  /** A blob can be posted in a single request. */
  singlePost?: boolean;
  /** One of several tags can be deleted alone. */
  deleteTag?: boolean;
  /** Blobs can be mounted from other repositories. */
  mount?: boolean;
}

/** The conversation with one registry: connections, tokens, limits, and what was learned about it. */
export interface Session {
  readonly endpoint: Endpoint;
  /** `host:port` */
  readonly host: string;
  readonly capabilities: Capabilities;
  /** @throws {RegistryError} for every status that the request does not accept, and for broken connections */
  send(request: RegistryRequest): Promise<RegistryResponse>;
  close(): Promise<void>;
  readonly counters: { readonly requests: number; readonly bytesReceived: number; readonly bytesSent: number };
}

export interface SessionOptions {
  /** Told of each HTTP request, redirects included. */
  readonly onRequest?: OnRequest;
}

/** Opens a session; nothing is sent yet. */
export function openSession(endpoint: Endpoint, options: SessionOptions = {}): Session {
  const host = hostOf(endpoint.url);
  const peer: Peer = { endpoint, host };
  const wire = openWire(endpoint);
  const limiter = limiterFor(host);
  const leave = limiter.join(endpoint.limits);
  const counters = { requests: 0, bytesReceived: 0, bytesSent: 0 };
  const context = { peer, wire, limiter, authorizer: authorizerOf(wire, peer), counters, onRequest: options.onRequest };
  return {
    endpoint,
    host,
    capabilities: {},
    send: (request) => send(context, request),
    async close() {
      leave();
      await wire.close();
    },
    counters,
  };
}

/** `host:port` of a registry's address, the port always there. */
export function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

function authorizerOf(wire: Wire, peer: Peer): Authorizer {
  const { auth } = peer.endpoint;
  switch (auth.type) {
    case 'none':
    case 'basic':
      return challengeAuth(wire, peer, auth);
    case 'bearer':
      return fixedAuth(auth.token);
    case 'token-key':
      return tokenKeyAuth(peer, auth);
  }
}
