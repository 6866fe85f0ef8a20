import type { Session } from '../session.ts';

/** `Basic …` of the endpoint's user and password; `undefined` where it has none. */
export function basicAuthorization({ endpoint: { auth } }: Session): string | undefined {
  return auth.type === 'basic' ? `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` : undefined;
}

/** `Bearer …` of the endpoint's `api.token`; `undefined` where it has none. */
export function tokenAuthorization({ endpoint: { api } }: Session): string | undefined {
  return api?.token === undefined ? undefined : `Bearer ${api.token}`;
}
