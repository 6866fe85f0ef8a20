import type { BasicAuth, NoAuth } from '../endpoint.ts';
import type { Peer } from '../errors.ts';
import { headersOf } from '../transport/headers.ts';
import { abortable } from '../transport/abortable.ts';
import { apiRoot } from '../transport/target-url.ts';
import type { Wire } from '../transport/wire.ts';
import type { Authorizer, Need } from './authorizer.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import { mergeScopes, scopesOf } from './scopes.ts';
import { createTokenCache } from './token-cache.ts';
import { fetchToken, safeRealm, type TokenService } from './token-service.ts';

/** More aliases than this are forgotten together. */
const MANY = 1_000;

/** Does what the registry's challenge asks for: Basic, or a token from the service that it names; anonymous without credentials. */
export function challengeAuth(wire: Wire, peer: Peer, auth: NoAuth | BasicAuth): Authorizer {
  const basic = auth.type === 'basic' ? `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` : undefined;
  const tokens = createTokenCache();
  /** Scopes that a registry asked for beyond what we thought a request needs. */
  const wider = new Map<string, string[]>();
  let scheme: 'unknown' | 'basic' | TokenService = 'unknown';

  async function bearer(
    service: TokenService,
    scopes: string[],
    fresh: boolean,
    refused: string | undefined,
    signal?: AbortSignal,
  ): Promise<string> {
    const key = JSON.stringify([service.realm.href, service.service, scopes]);
    if (refused?.startsWith('Bearer ')) tokens.drop(key, refused.slice('Bearer '.length));
    return `Bearer ${await abortable(
      tokens.get(key, fresh, () => fetchToken(wire, peer, service, scopes, basic)),
      signal,
    )}`;
  }
  async function current(need: Need, fresh: boolean, signal?: AbortSignal): Promise<string | undefined> {
    if (scheme === 'unknown') return undefined;
    if (scheme === 'basic') return basic;
    const scopes = mergeScopes(scopesOf(need), []);
    return bearer(scheme, wider.get(scopes.join(' ')) ?? scopes, fresh, undefined, signal);
  }
  /** Takes from the challenges what we can answer; Bearer first. */
  function learn(challenges: readonly Challenge[], url: URL): Challenge | undefined {
    const token = challenges.find((challenge) => challenge.scheme === 'bearer' && challenge.params['realm']);
    if (token) {
      scheme = { realm: safeRealm(peer, token.params['realm'] ?? '', url), service: token.params['service'] };
      return token;
    }
    if (basic !== undefined && challenges.some((challenge) => challenge.scheme === 'basic')) scheme = 'basic';
    return undefined;
  }
  /** A body that can be sent only once must not be what finds out that a token is wanted. */
  async function ask(signal?: AbortSignal): Promise<void> {
    const url = apiRoot(peer.endpoint.url);
    const answer = await wire.exchange({ method: 'GET', url, headers: {}, signal });
    answer.body.on('error', () => undefined).destroy();
    if (answer.status === 401) learn(parseChallenges(headersOf(answer.headers, 'www-authenticate')), url);
  }

  return {
    async authorize(need, { fresh, signal }) {
      if (fresh && scheme === 'unknown') await ask(signal);
      return current(need, fresh, signal);
    },
    async renew(need, refused, challenges, url, signal) {
      const token = learn(challenges, url);
      if (scheme === 'basic') return refused === basic ? undefined : basic;
      if (scheme === 'unknown' || !token) return undefined;
      const own = mergeScopes(scopesOf(need), []);
      const asked = mergeScopes(own, (token.params['scope'] ?? '').split(/\s+/));
      if (wider.size >= MANY) wider.clear();
      if (asked.join(' ') !== own.join(' ')) wider.set(own.join(' '), asked);
      return bearer(scheme, asked, false, refused, signal);
    },
  };
}
