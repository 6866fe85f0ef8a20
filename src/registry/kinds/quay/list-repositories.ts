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
    const [began, token] = after?.split(' ') ?? [];
    const query = { namespace, ...(token === undefined ? {} : { next_page: token }) };
    const answer = await callJson(session, { method: 'GET', path: PATH, query, authorization, signal: options.signal }, PAGE);
    const { repositories = [], next_page: next } = answer?.body ?? {};
    const [first] = repositories;
    // Quay makes a new token for the same place each time: by what a page begins with, a circle is found out.
    if (next && (first === undefined || first.name === began)) throw listingError(session, PATH, 'its pages lead in a circle');
    return {
      repositories: repositories.map((one) => `${one.namespace}/${one.name}`),
      ...(next && first ? { next: `${first.name} ${next}` } : {}),
    };
  });
}
