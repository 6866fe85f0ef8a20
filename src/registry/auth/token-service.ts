import { TwinportError } from '../../model/failure.ts';
import { registryError, type Peer } from '../errors.ts';
import { refusal } from '../refusal.ts';
import { headerOf } from '../transport/headers.ts';
import { readBounded, readErrorText } from '../transport/incoming.ts';
import { networkError } from '../transport/network-error.ts';
import type { RegistryRequest } from '../transport/request.ts';
import { retryAfterMs } from '../transport/retry-after.ts';
import type { Wire, WireAnswer } from '../transport/wire.ts';
import type { Token } from './token-cache.ts';

/** A token service, as a challenge names it. */
export interface TokenService {
  readonly realm: URL;
  readonly service?: string | undefined;
}

/** What the services mean that say nothing. */
const DEFAULT_LIFE_SECONDS = 60;
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * The realm of a challenge as a URL that credentials may go to.
 * @throws {TwinportError} CONFIG (less secure than the registry, or somebody else's without TLS), PROTOCOL (no URL)
 */
export function safeRealm(peer: Peer, realm: string, from: URL): URL {
  const registry = new URL(peer.endpoint.url);
  if (!URL.canParse(realm, from.href)) throw new TwinportError('PROTOCOL', `${peer.host} names a token realm that is no URL`);
  const url = new URL(realm, from);
  const local = LOOPBACK.test(url.hostname) && LOOPBACK.test(registry.hostname);
  const sameLevel = url.protocol === 'http:' && registry.protocol === 'http:' && (url.hostname === registry.hostname || local);
  if (url.protocol === 'https:' || sameLevel) return url;
  throw new TwinportError(
    'CONFIG',
    `${peer.host} names a token realm at ${url.protocol}//${url.host}; credentials go only to https realms, or for a http registry to its own host`,
  );
}

/**
 * Asks a token service for a token.
 * @param authorization Basic credentials, or `undefined` for an anonymous token
 * @throws {RegistryError} UNAUTHORIZED (the service refuses the credentials), UNAVAILABLE, UNREACHABLE, RATE_LIMITED, PROTOCOL
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export async function fetchToken(
  wire: Wire,
  peer: Peer,
  service: TokenService,
  scopes: readonly string[],
  authorization: string | undefined,
): Promise<Token> {
  const url = new URL(service.realm);
  if (service.service) url.searchParams.append('service', service.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  // One fetch serves many requests: none of their signals may end it.
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request: RegistryRequest = { method: 'GET', path: `token of ${url.host}`, scope: 'any', accept: [200], signal };
  try {
    const answer = await wire.exchange({ method: 'GET', url, headers: authorization ? { authorization } : {}, signal });
    if (answer.status !== 200) throw await refusedToken(peer, request, answer);
    const { bytes } = await readBounded(answer.body, MAX_BYTES, () => undefined);
    return readToken(peer, request, new TextDecoder().decode(bytes));
  } catch (thrown) {
    if (signal.aborted) throw registryError(peer, request, 'STALLED', `no token came within ${TIMEOUT_MS / 1000} s`, { cause: thrown });
    throw networkError(peer, request, thrown);
  }
}

async function refusedToken(peer: Peer, request: RegistryRequest, answer: WireAnswer): Promise<Error> {
  const text = await readErrorText(answer.body, () => undefined);
  const { status } = answer;
  if (status === 400 || status === 401 || status === 403) {
    return registryError(peer, request, 'UNAUTHORIZED', `the token service answered ${status}: it does not take these credentials`, {
      status,
    });
  }
  return refusal(peer, request, { status, text, retryAfterMs: retryAfterMs(headerOf(answer.headers, 'retry-after')) });
}

function readToken(peer: Peer, request: RegistryRequest, text: string): Token {
  let body: Record<string, unknown> | null;
  try {
    body = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    body = null; // told below, without the text: it may hold a token
  }
  const value = [body?.['token'], body?.['access_token']].find((token): token is string => typeof token === 'string' && token !== '');
  if (value === undefined)
    throw registryError(peer, request, 'PROTOCOL', 'the token service answered 200 without a token', { status: 200 });
  const life = Number(body?.['expires_in'] ?? DEFAULT_LIFE_SECONDS);
  return { value, lifeMs: (Number.isFinite(life) && life > 0 ? life : DEFAULT_LIFE_SECONDS) * 1000 };
}
