import { TwinportError } from '../../model/failure.ts';
import type { AcrAuth } from '../endpoint.ts';
import { nameOf, type Peer } from '../errors.ts';
import type { Wire } from '../transport/wire.ts';
import { entraToken } from './entra-token.ts';
import { renewedCredentials, type Credentials, type CredentialSource } from './credentials.ts';
import type { Token } from './token-cache.ts';
import { askForToken, formBody, jwtLifeSeconds, safeRealm } from './token-service.ts';

/** ACR's refresh tokens live for about three hours, and tell so. */
const USUAL_LIFE_SECONDS = 60 * 60;
/** For services that want a password: a refresh token goes with this user. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * The identity token of an Azure Container Registry: an access token of Entra ID, exchanged at the registry for a refresh token, with which its token
 * service is then asked.
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
export function acrCredentials(wire: Wire, peer: Peer, auth: AcrAuth): CredentialSource {
  const entra = entraToken(peer, auth);
  return renewedCredentials(async () => exchange(wire, peer, await entra(), auth.tenantId));
}

async function exchange(wire: Wire, peer: Peer, accessToken: string, tenant: string | undefined): Promise<Token<Credentials>> {
  const registry = new URL(peer.endpoint.url);
  const url = safeRealm(peer, '/oauth2/exchange', registry);
  const form = new URLSearchParams({ grant_type: 'access_token', service: registry.host, access_token: accessToken });
  if (tenant !== undefined) form.append('tenant', tenant);
  const answer = await askForToken(wire, peer, { method: 'POST', url, ...formBody(form) });
  const token = answer?.body['refresh_token'];
  if (typeof token === 'string' && token !== '') {
    return { value: { type: 'identity-token', token, username: NOBODY }, lifeMs: (jwtLifeSeconds(token) ?? USUAL_LIFE_SECONDS) * 1000 };
  }
  const lacks = answer ? 'answered without a refresh_token' : 'is not there: is this an Azure Container Registry?';
  throw new TwinportError('PROTOCOL', `${nameOf(peer)}: the token exchange at ${url.host}${url.pathname} ${lacks}`);
}
