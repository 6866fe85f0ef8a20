import { decodeJwt } from 'jose';
import { TwinportError } from '../../model/failure.ts';
import { registryError, type Peer } from '../errors.ts';
import { refusal } from '../refusal.ts';
import { headerOf } from '../transport/headers.ts';
import { readBounded, readErrorText } from '../transport/incoming.ts';
import { exchangeInTurn } from '../transport/in-turn.ts';
import { networkError } from '../transport/network-error.ts';
import type { Method, RegistryRequest } from '../transport/request.ts';
import { retryAfterOf } from '../transport/retry-after.ts';
import { shownCredentials, withoutShown } from '../transport/shown-credentials.ts';
import type { Wire, WireAnswer, WireRequest } from '../transport/wire.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import { requireTrustedRealm } from './realm-trust.ts';
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

/** A registry's token, and the identity token that may have come with it in place of the one shown. */
export interface ServiceToken extends Token {
  readonly identity?: string | undefined;
}

/**
 * Asks a token service for a token: by POST with an identity token, if the service knows that way, else by GET.
 * @param shown without credentials the token is an anonymous one
 * @throws {TwinportError} CONFIG (the service is at a host that may not be shown credentials)
 * @throws {RegistryError} UNAUTHORIZED (the service refuses the credentials), UNAVAILABLE, UNREACHABLE, RATE_LIMITED, PROTOCOL
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(
  wire: Wire,
  peer: Peer,
  service: TokenService,
  scopes: readonly string[],
  shown: Credentials,
): Promise<ServiceToken> {
  if (shown.type !== 'none') requireTrustedRealm(peer, service.realm);
  const posted = shown.type === 'identity-token' ? await ask(wire, peer, oauthRequest(peer, service, scopes, shown.token)) : undefined;
  const answer = posted ?? (await ask(wire, peer, tokenRequest(peer, service, scopes, shown)));
  if (answer) return answer;
  throw registryError(peer, described(service.realm, 'GET'), 'PROTOCOL', 'there is no token service at the realm that the registry names');
}

function tokenRequest(peer: Peer, { realm, service }: TokenService, scopes: readonly string[], shown: Credentials): WireRequest {
  const url = new URL(realm);
  if (service) url.searchParams.append('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return { method: 'GET', url, headers: authorizationOf(shown), asRegistry: isSameHost(peer, realm) };
}

function oauthRequest(peer: Peer, { realm, service }: TokenService, scopes: readonly string[], token: string): WireRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: 'twinport' });
  if (service) form.append('service', service);
  if (scopes.length > 0) form.append('scope', scopes.join(' '));
  return { method: 'POST', url: realm, ...formBody(form), asRegistry: isSameHost(peer, realm) };
}

/** A form as the body of a request. */
export function formBody(form: URLSearchParams): Pick<WireRequest, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from(form.toString()) };
}

function authorizationOf(shown: Credentials): Record<string, string> {
  if (shown.type === 'none') return {};
  if (shown.type === 'password') return { authorization: basicHeader(shown) };
  // The service does not know identity tokens by POST; some take them as the password of a certain user.
  return { authorization: basicHeader({ username: shown.username ?? '<token>', password: shown.token }) };
}

/** A service beside the registry is the registry's: it may want the same client certificate. */
function isSameHost(peer: Peer, realm: URL): boolean {
  return realm.hostname === new URL(peer.endpoint.url).hostname;
}

/** @returns `undefined` if the service does not know this way (404, 405) */
async function ask(wire: Wire, peer: Peer, request: WireRequest): Promise<ServiceToken | undefined> {
  const asked = Date.now();
  const answer = await askForToken(wire, peer, request);
  if (answer === undefined) return undefined;
  const { body, headers } = answer;
  const value = [body['token'], body['access_token']].find(isFilled);
  if (value === undefined)
    throw registryError(peer, described(request.url, request.method), 'PROTOCOL', 'the token service answered 200 without a token', {
      status: 200,
    });
  return {
    value,
    lifeMs: lifeOf(body, value, Date.parse(headerOf(headers, 'date') ?? '') || asked),
    identity: textOf(body['refresh_token']),
  };
}

/** An answer of a service that gives out tokens. */
export interface TokenAnswer {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: WireAnswer['headers'];
}

/**
 * Sends one request to a service that gives out tokens.
 * @returns `undefined` on 404 and 405
 * @throws {RegistryError} as `fetchToken`
 */
export async function askForToken(wire: Wire, peer: Peer, sent: WireRequest): Promise<TokenAnswer | undefined> {
  const request = described(sent.url, sent.method);
  try {
    // One fetch serves many requests: none of their signals may end it.
    const answer = await exchangeInTurn(wire, sent, `${sent.method} token`, TIMEOUT_MS);
    if (answer.status === 404 || answer.status === 405) {
      await readErrorText(answer.body, () => undefined);
      return undefined;
    }
    if (answer.status !== 200) throw await refusedToken(peer, request, answer);
    const { bytes } = await readBounded(answer.body, MAX_BYTES, () => undefined);
    return { body: readObject(peer, request, new TextDecoder().decode(bytes)), headers: answer.headers };
  } catch (thrown) {
    if ((thrown as { name?: unknown } | null)?.name === 'TimeoutError')
      throw registryError(peer, request, 'STALLED', `no token came within ${TIMEOUT_MS / 1000} s`, { cause: thrown });
    throw withoutShown(networkError(peer, request, thrown), shownIn(sent));
  }
}

/** The credentials in a request to a service: its header, and the values of its form. */
function shownIn({ headers, body }: WireRequest): string[] {
  const form = body instanceof Uint8Array ? new URLSearchParams(Buffer.from(body).toString()) : new URLSearchParams();
  return [...shownCredentials(headers['authorization']), ...[...form].flatMap(([name, value]) => (name.endsWith('_token') ? [value] : []))];
}

function described(url: URL, method: Method): RegistryRequest {
  return { method, path: `token of ${url.host}`, scope: 'any', accept: [200] };
}

async function refusedToken(peer: Peer, request: RegistryRequest, answer: WireAnswer): Promise<Error> {
  const text = await readErrorText(answer.body, () => undefined);
  const { status } = answer;
  if (status === 400 || status === 401 || status === 403) {
    return registryError(peer, request, 'UNAUTHORIZED', `the token service answered ${status}: it does not take these credentials`, {
      status,
    });
  }
  return refusal(peer, request, { status, text, retryAfterMs: retryAfterOf(answer.headers) });
}

function readObject(peer: Peer, request: RegistryRequest, text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined; // told below, without the text: it may hold a token
  }
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  throw registryError(peer, request, 'PROTOCOL', 'the token service answered 200 with what is no JSON object', { status: 200 });
}

/** What is left of a token's life: a service may give one that it has given before. Both times are by the service's clock. */
function lifeOf(body: Readonly<Record<string, unknown>>, value: string, now: number): number {
  const given = Number(body['expires_in']);
  const lifeMs = (given > 0 && Number.isFinite(given) ? given : (jwtLifeSeconds(value) ?? DEFAULT_LIFE_SECONDS)) * 1000;
  const age = now - Date.parse(textOf(body['issued_at']) ?? '');
  return Number.isNaN(age) ? lifeMs : Math.max(0, lifeMs - Math.max(0, age));
}

/**
 * For how long a token is good that tells so itself, as those of ACR do, in seconds from when it was made.
 * @returns `undefined` of a token that is no JWT, or does not tell
 */
export function jwtLifeSeconds(token: string): number | undefined {
  try {
    const { exp, iat, nbf } = decodeJwt(token);
    const from = iat ?? nbf;
    return exp !== undefined && from !== undefined && exp > from ? exp - from : undefined;
  } catch {
    return undefined; // an opaque one
  }
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function textOf(value: unknown): string | undefined {
  return isFilled(value) ? value : undefined;
}
