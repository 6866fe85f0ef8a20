import { z } from 'zod';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { listByNamespace } from '../namespaces.ts';
import { numberedList, type NumberedPage } from '../numbered-list.ts';
import { githubPage, hasToken, tokenNeeded } from './github.ts';

const PACKAGES = z.array(z.looseObject({ name: z.string() }));

/**
 * The container packages of the configured organizations and users.
 * @returns `undefined` without namespaces
 * @throws {RegistryError} CONFIG (no token), NOT_FOUND (neither an organization nor a user), DENIED, LISTING, …
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage | undefined> {
  if (!session.endpoint.namespaces) return undefined;
  if (!hasToken(session)) throw tokenNeeded(session, 'packages');
  return listByNamespace(session, options, async (owner, after) => {
    const path = `packages of ${owner}`;
    const page = await numberedList(session, path, { ...options, after }, (number) => readPage(session, owner, number, options.signal));
    if (page) return page;
    const says = `GitHub knows no organization or user ${owner} with packages that the token may see`;
    throw registryError(session, { method: 'GET', path }, 'NOT_FOUND', says, { status: 404 });
  });
}

async function readPage(session: Session, owner: string, number: number, signal?: AbortSignal): Promise<NumberedPage | undefined> {
  const page = await githubPage(session, owner, 'packages', { package_type: 'container' }, PACKAGES, number, signal);
  // An owner may be written in capitals, where the registry's names are small.
  return page && { items: page.items.map(({ name }) => `${owner}/${name}`.toLowerCase()), more: page.more };
}
