import type { BasicAuth } from '../endpoint.ts';
import type { Session } from '../session.ts';

/** `Basic …` of the endpoint's user and password; `undefined` where it has none. */
export function basicAuthorization({ endpoint: { auth } }: Session): string | undefined {
  return auth.type === 'basic' ? `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` : undefined;
}

/**
 * The endpoint's user and password, where the vendor's API may be told them: the registry is the vendor's own, or `api.url` says whose the API is.
 * Of any other server they are nobody else's.
 * @param vendor what the host of the vendor's registry is called
 */
export function vendorLogin({ endpoint: { auth, api, url } }: Session, vendor: RegExp): BasicAuth | undefined {
  return auth.type === 'basic' && (api?.url !== undefined || vendor.test(new URL(url).hostname)) ? auth : undefined;
}

/** `Bearer …` of the endpoint's `api.token`; `undefined` where it has none. */
export function tokenAuthorization({ endpoint: { api } }: Session): string | undefined {
  return api?.token === undefined ? undefined : `Bearer ${api.token}`;
}
