import { failureOf } from '../../model/failure.ts';
import { mintPullToken } from '../../registry/auth/mint-pull-token.ts';
import type { Endpoint } from '../../registry/endpoint.ts';
import { ping } from '../../registry/ping.ts';
import { openSession } from '../../registry/session.ts';

/** A registry whose tokens are made with a key. */
type KeyedEndpoint = Endpoint & { readonly auth: Extract<Endpoint['auth'], { type: 'token-key' }> };

/** Mints a pull token for repositories of a registry; without a name for the key, with one that the registry knows. */
export async function mintToken(
  primary: KeyedEndpoint,
  repositories: readonly string[],
  { ttlSeconds, kid }: { readonly ttlSeconds: number; readonly kid: string | undefined },
): Promise<string> {
  const { key, certificate, issuer, service } = primary.auth;
  const mint = (named: string): Promise<string> =>
    mintPullToken({
      ...{ key, issuer, service, repositories, kid: named, ttlSeconds },
      ...(certificate === undefined ? {} : { certificate }),
    });
  return kid === undefined ? acceptedToken(primary, mint) : mint(kid);
}

/** The primary tells which name of the key it knows; one that does not answer now is taken for the older kind. */
async function acceptedToken(primary: Endpoint, mint: (kid: string) => Promise<string>): Promise<string> {
  const first = await mint('libtrust');
  const session = openSession({ ...primary, auth: { type: 'bearer', token: first } });
  try {
    await ping(session);
    return first;
  } catch (thrown) {
    return failureOf(thrown).code === 'UNAUTHORIZED' ? await mint('rfc7638') : first;
  } finally {
    await session.close();
  }
}
