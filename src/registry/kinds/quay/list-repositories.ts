import { z } from 'zod';
import { callJson } from '../../call-json.ts';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import { tokenAuthorization } from '../api-authorization.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { listingError } from '../listing-error.ts';
import { listByNamespace } from '../namespaces.ts';

const PATH = '/api/v1/repository';

const PAGE = z.looseObject({
  repositories: z.array(z.looseObject({ namespace: z.string(), name: z.string() })),
  next_page: z.string().nullish(),
});

/**
 * The repositories of the configured organizations and users that the token may see.
 * @returns `undefined` without namespaces: `_catalog` lists what the user may see
 * @throws {RegistryError} CONFIG (no token), UNAUTHORIZED, LISTING, …
 * @see https://docs.quay.io/api/swagger/
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage | undefined> {
  if (!session.endpoint.namespaces) return undefined;
  const authorization = tokenAuthorization(session);
  if (authorization === undefined) {
    const says =
      'not sent: without a token Quay lists public repositories only: give an OAuth token with the right to view repositories as api.token';
    throw registryError(session, { method: 'GET', path: PATH }, 'CONFIG', says);
  }
  return listByNamespace(session, options, async (namespace, after) => {
    const query = { namespace, ...(after === undefined ? {} : { next_page: after }) };
    const answer = await callJson(session, { method: 'GET', path: PATH, query, authorization, signal: options.signal }, PAGE);
    const { repositories = [], next_page: next } = answer?.body ?? {};
    // Quay makes a new token for the same place each time: what does not move shows as an empty page.
    if (next && (next === after || repositories.length === 0)) throw listingError(session, PATH, 'its pages lead in a circle');
    return { repositories: repositories.map((one) => `${one.namespace}/${one.name}`), ...(next ? { next } : {}) };
  });
}
