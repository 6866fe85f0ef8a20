import type { AuthOptions } from '../endpoint.ts';
import type { Peer } from '../errors.ts';
import type { Wire } from '../transport/wire.ts';
import { acrCredentials } from './acr-credentials.ts';
import type { Authorizer } from './authorizer.ts';
import { challengeAuth } from './challenge-auth.ts';
import { fixedCredentials, type CredentialSource } from './credentials.ts';
import { ecrCredentials } from './ecr-credentials.ts';
import { fixedAuth } from './fixed-auth.ts';
import { garCredentials } from './gar-credentials.ts';
import { helperCredentials } from './helper-credentials.ts';
import { tokenKeyAuth } from './token-key-auth.ts';

/** The authorizer for an endpoint's `auth`; nothing is asked of anybody yet. */
export function authorizerFor(wire: Wire, peer: Peer): Authorizer {
  const { auth } = peer.endpoint;
  if (auth.type === 'bearer') return fixedAuth(auth.token);
  if (auth.type === 'token-key') return tokenKeyAuth(peer, auth);
  return challengeAuth(wire, peer, credentialsFor(wire, peer, auth));
}

function credentialsFor(wire: Wire, peer: Peer, auth: Exclude<AuthOptions, { type: 'bearer' | 'token-key' }>): CredentialSource {
  switch (auth.type) {
    case 'none':
      return fixedCredentials({ type: 'none' });
    case 'basic':
      return fixedCredentials({ type: 'password', username: auth.username, password: auth.password });
    case 'identity-token':
      return fixedCredentials({ type: 'identity-token', token: auth.token, username: auth.username });
    case 'docker-helper':
      return helperCredentials(peer, auth);
    case 'acr':
      return acrCredentials(wire, peer, auth);
    case 'ecr':
      return ecrCredentials(peer, auth);
    case 'gar':
      return garCredentials(peer, auth);
  }
}
