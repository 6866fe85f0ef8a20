import type { Peer } from '../errors.ts';
import { headersOf } from '../transport/headers.ts';
import { abortable } from '../transport/abortable.ts';
import { apiRoot } from '../transport/target-url.ts';
import type { Wire } from '../transport/wire.ts';
import type { Authorizer, Need } from './authorizer.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import { basicHeader, type Credentials, type CredentialSource } from './credentials.ts';
import { mergeScopes, scopesOf } from './scopes.ts';
import { serviceTokens } from './service-tokens.ts';
import { safeRealm, type TokenService } from './token-service.ts';

/** More aliases than this are forgotten together. */
const MANY = 1_000;

/** Does what the registry's challenge asks for: Basic, or a token from the service that it names; anonymous without credentials. */
export function challengeAuth(wire: Wire, peer: Peer, source: CredentialSource): Authorizer {
  const tokens = serviceTokens(wire, peer, source);
  /** Scopes that a registry asked for beyond what we thought a request needs. */
  const wider = new Map<string, string[]>();
  let scheme: 'unknown' | 'basic' | TokenService = 'unknown';

  async function basic(credentials: Promise<Credentials | undefined>, signal?: AbortSignal): Promise<string | undefined> {
    const shown = await abortable(credentials, signal);
    return shown?.type === 'password' ? basicHeader(shown) : undefined;
  }
  async function current(need: Need, fresh: boolean, signal?: AbortSignal): Promise<string | undefined> {
    if (scheme === 'unknown') return undefined;
    if (scheme === 'basic') return basic(source.get(fresh), signal);
    const scopes = mergeScopes(scopesOf(need), []);
    return tokens.header({ service: scheme, scopes: wider.get(scopes.join(' ')) ?? scopes, fresh, signal });
  }
  /** What to send in place of `refused`, unless there is nothing else. */
  async function otherBasic(refused: string | undefined, signal?: AbortSignal): Promise<string | undefined> {
    const known = await abortable(source.get(), signal);
    if (known.type !== 'password') return undefined;
    const header = basicHeader(known);
    return header === refused ? basic(source.instead(known), signal) : header;
  }
  /** Takes from the challenges what we can answer; Bearer first. */
  function learn(challenges: readonly Challenge[], url: URL): Challenge | undefined {
    const token = challenges.find((challenge) => challenge.scheme === 'bearer' && challenge.params['realm']);
    if (token) {
      scheme = { realm: safeRealm(peer, token.params['realm'] ?? '', url), service: token.params['service'] };
      return token;
    }
    if (challenges.some((challenge) => challenge.scheme === 'basic')) scheme = 'basic';
    return undefined;
  }
  /** A body that can be sent only once must not be what finds out that a token is wanted. */
  async function discover(signal?: AbortSignal): Promise<void> {
    const url = apiRoot(peer.endpoint.url);
    const answer = await wire.exchange({ method: 'GET', url, headers: {}, signal });
    answer.body.on('error', () => undefined).destroy();
    if (answer.status === 401) learn(parseChallenges(headersOf(answer.headers, 'www-authenticate')), url);
  }

  return {
    async authorize(need, { fresh, signal }) {
      if (fresh && scheme === 'unknown') await discover(signal);
      return current(need, fresh, signal);
    },
    async renew(need, refused, challenges, url, signal) {
      const token = learn(challenges, url);
      if (scheme === 'basic') return otherBasic(refused, signal);
      if (scheme === 'unknown' || !token) return undefined;
      const own = mergeScopes(scopesOf(need), []);
      const asked = mergeScopes(own, (token.params['scope'] ?? '').split(/\s+/));
      if (wider.size >= MANY) wider.clear();
      if (asked.join(' ') !== own.join(' ')) wider.set(own.join(' '), asked);
      return tokens.header({ service: scheme, scopes: asked, fresh: false, refused, signal });
    },
  };
}
