import { isRegistryError, type Peer } from '../errors.ts';
import { abortable } from '../transport/abortable.ts';
import type { Wire } from '../transport/wire.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { createTokenCache, type Token } from './token-cache.ts';
import { fetchToken, type TokenService } from './token-service.ts';

/** What a token is asked for. */
export interface TokenWish {
  readonly service: TokenService;
  readonly scopes: readonly string[];
  /** In the first half of its life. */
  readonly fresh: boolean;
  /** The `Authorization` that was refused: its token is forgotten. */
  readonly refused?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The tokens of a registry's token services, each kept for as long as it is good. */
export interface ServiceTokens {
  /**
   * @returns the value of `Authorization: Bearer …`
   * @throws {RegistryError} as `fetchToken`
   */
  header(wish: TokenWish): Promise<string>;
}

/** No tokens yet; `source` is asked for credentials when the first one is wanted. */
export function serviceTokens(wire: Wire, peer: Peer, source: CredentialSource): ServiceTokens {
  const tokens = createTokenCache();

  /** Credentials that were given out for a time may end before they should: then once more, with others. */
  async function fetch(service: TokenService, scopes: readonly string[]): Promise<Token> {
    const shown = await source.get();
    try {
      return await show(service, scopes, shown);
    } catch (thrown) {
      if (!isRegistryError(thrown) || thrown.code !== 'UNAUTHORIZED') throw thrown;
      const others = await source.instead(shown);
      if (!others) throw thrown;
      return show(service, scopes, others);
    }
  }
  async function show(service: TokenService, scopes: readonly string[], shown: Credentials): Promise<Token> {
    const { identity, ...token } = await fetchToken(wire, peer, service, scopes, shown);
    if (identity !== undefined && shown.type === 'identity-token') source.replaced?.(shown, identity);
    return token;
  }
  return {
    async header({ service, scopes, fresh, refused, signal }) {
      const key = JSON.stringify([service.realm.href, service.service, scopes]);
      if (refused?.startsWith('Bearer ')) tokens.drop(key, refused.slice('Bearer '.length));
      const token = tokens.get(key, fresh, () => fetch(service, scopes));
      return `Bearer ${await abortable(token, signal)}`;
    },
  };
}
