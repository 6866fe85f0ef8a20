import { cloudFront, type CloudFront } from './front.ts';
import { basicUser } from './holdings.ts';

/**
 * Bundle Bar, as far as https://bundle.bar/docs/ and the settings of its published conformance runs (bloodorangeio/bundle-bar-oci-conformance) tell: the
 * OCI distribution specification and nothing else, a user and a token, names below `u/<user>/`.
 */
export async function bundlebarCloud(upstream: string, login: string): Promise<CloudFront> {
  const [user = ''] = login.split(':');
  return cloudFront(upstream, {
    answer({ path, headers }) {
      if (basicUser(headers.authorization) !== login)
        return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED' }] }, headers: { 'www-authenticate': 'Basic realm="bundle.bar"' } };
      if (path === '/v2/') return { body: {} };
      if (!path.startsWith(`/v2/u/${user}/`)) return { status: 404, body: { errors: [{ code: 'NAME_UNKNOWN', message: 'unknown' }] } };
      return undefined;
    },
  });
}
