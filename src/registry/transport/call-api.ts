import type { Authorizer } from '../auth/authorizer.ts';
import type { Peer } from '../errors.ts';
import type { HostLimiter } from './limiter.ts';
import type { Method, RegistryRequest, RegistryResponse } from './request.ts';
import { send, type SendContext } from './send.ts';
import { hostOf } from './target-url.ts';

/** A request to an API of its own that a kind of registry has beside `/v2/`. */
export interface ApiRequest {
  readonly method: Method;
  /** Where the kind's API is by default (`https://api.github.com`); absent: on the registry's own host. The endpoint's `api.url` wins. */
  readonly base?: string | undefined;
  /** Below the base, with a leading slash, its segments already encoded. */
  readonly path: string;
  readonly query?: URLSearchParams | Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The value of `Authorization`: the kind knows what its API wants. */
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The statuses that the caller can use; any other is an error. */
  readonly accept: readonly number[];
}

/**
 * Sends it as any other request: in its host's turn, counted, redirects followed without credentials.
 * @throws {RegistryError} every code that an answer or a broken connection can mean
 */
export async function callApi(
  shared: Omit<SendContext, 'limiter' | 'authorizer'>,
  limiterOf: (host: string) => HostLimiter,
  request: ApiRequest,
): Promise<RegistryResponse> {
  const { endpoint } = shared.peer;
  const base = (endpoint.api?.url ?? request.base ?? new URL(endpoint.url).origin).replace(/\/+$/, '');
  const host = hostOf(base);
  // Errors and metrics name the host that was asked.
  const peer: Peer = { endpoint: { ...endpoint, url: base }, host };
  const { method, path, query, headers, body, signal, accept } = request;
  const sent: RegistryRequest = {
    method,
    url: base + path,
    path,
    scope: 'any',
    signal,
    accept,
    ...(query ? { query } : {}),
    ...(headers ? { headers } : {}),
    ...(body ? { body } : {}),
  };
  return send({ ...shared, peer, limiter: limiterOf(host), authorizer: only(request.authorization) }, sent);
}

/** One value, and no other once it is refused. */
function only(header: string | undefined): Authorizer {
  return { authorize: async () => header, renew: async () => undefined };
}
