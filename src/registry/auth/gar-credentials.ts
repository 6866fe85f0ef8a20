import type { GarAuth } from '../endpoint.ts';
import type { Peer } from '../errors.ts';
import { renewedCredentials, type CredentialSource } from './credentials.ts';
import { googleToken } from './google-token.ts';

/**
 * The password of Artifact Registry and of gcr.io: an access token of Google's, for as long as it lives.
 * @see https://cloud.google.com/artifact-registry/docs/docker/authentication#token
 */
export function garCredentials(peer: Peer, auth: GarAuth): CredentialSource {
  const token = googleToken(peer, auth);
  return renewedCredentials(async () => {
    const { value, lifeMs } = await token();
    return { value: { type: 'password', username: 'oauth2accesstoken', password: value }, lifeMs };
  });
}
