import { decodeProtectedHeader } from 'jose';
import { TwinportError } from '../../model/failure.ts';
import type { TokenKeyAuth } from '../endpoint.ts';
import { registryError, type Peer } from '../errors.ts';
import type { Authorizer, Need } from './authorizer.ts';
import { mintPullToken } from './mint-pull-token.ts';
import { createTokenCache } from './token-cache.ts';

const TTL_SECONDS = 300;

/** How a token tells the registry which key signed it. */
type KeyName = 'x5c' | 'libtrust' | 'rfc7638' | 'configured';

/**
 * Makes its own pull-only tokens with the registry's signing key, one a repository. Which name of the key the registry knows is found
 * out by the first 401 and remembered.
 */
export function tokenKeyAuth(peer: Peer, auth: TokenKeyAuth): Authorizer {
  const tokens = createTokenCache();
  const names = namesOf(auth);
  let at = 0;
  let proved = false;

  function nameNow(): KeyName {
    return names[at % names.length] ?? 'libtrust';
  }
  async function token(need: Need, fresh: boolean): Promise<string> {
    refuseWrites(peer, need);
    const key = cacheKey(need, nameNow());
    return `Bearer ${await tokens.get(key, fresh, () => mint(auth, need, nameNow()))}`;
  }
  return {
    authorize: (need, { fresh }) => token(need, fresh),
    async renew(need, refused, challenges) {
      // The key was recognized: it is the right that lacks.
      if (challenges.some((challenge) => challenge.params['error'] === 'insufficient_scope')) return undefined;
      const sent = refused?.slice('Bearer '.length) ?? '';
      tokens.drop(cacheKey(need, nameNow()), sent);
      // Only if this very name was refused: another request's 401 may have moved on already.
      if (!proved && names.length > 1 && nameIn(sent) === nameNow()) at += 1;
      return token(need, false);
    },
    accepted() {
      proved = true;
    },
  };
}

function namesOf(auth: TokenKeyAuth): KeyName[] {
  if (auth.kid !== undefined) return ['configured'];
  return auth.certificate === undefined ? ['libtrust', 'rfc7638'] : ['x5c'];
}

function refuseWrites(peer: Peer, need: Need): void {
  if (need.scope !== 'push' && need.scope !== 'delete') return;
  throw registryError(peer, need, 'DENIED', 'not sent: a token-key is for pulling only; give this side credentials that may write');
}

function cacheKey(need: Need, name: KeyName): string {
  return `${name} ${need.scope === 'catalog' ? 'catalog' : repositoriesOf(need).join(' ')}`;
}

async function mint(auth: TokenKeyAuth, need: Need, name: KeyName): Promise<{ value: string; lifeMs: number }> {
  const ttlSeconds = auth.ttlSeconds ?? TTL_SECONDS;
  const value = await mintPullToken({
    key: auth.key,
    certificate: name === 'x5c' ? auth.certificate : undefined,
    issuer: auth.issuer,
    service: auth.service,
    repositories: need.scope === 'catalog' ? [] : repositoriesOf(need),
    catalog: need.scope === 'catalog',
    kid: name === 'rfc7638' ? 'rfc7638' : (auth.kid ?? 'libtrust'),
    ttlSeconds,
  });
  return { value, lifeMs: ttlSeconds * 1000 };
}

function repositoriesOf({ repository, pullFrom }: Need): string[] {
  return [repository, pullFrom].filter((name) => name !== undefined);
}

/** How a token of ours names its key, where that had to be guessed. */
function nameIn(token: string): KeyName | undefined {
  const { kid } = token === '' ? {} : decodeProtectedHeader(token);
  return kid === undefined ? undefined : kid.includes(':') ? 'libtrust' : 'rfc7638';
}

/** @throws {TwinportError} CONFIG (the key cannot be used): told at the start rather than at the first request */
export async function checkTokenKey(auth: TokenKeyAuth): Promise<void> {
  if (auth.ttlSeconds !== undefined && !(auth.ttlSeconds >= 1))
    throw new TwinportError('CONFIG', 'ttlSeconds of a token-key must be at least 1');
  await mint(auth, { scope: 'any', method: 'GET', path: '' }, namesOf(auth)[0] ?? 'libtrust');
}
