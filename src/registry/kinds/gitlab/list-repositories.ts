import { z } from 'zod';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { listByNamespace } from '../namespaces.ts';
import { listOfGroup } from './list-of-group.ts';
import { markedPage } from './v1.ts';

const REPOSITORIES = z.array(z.looseObject({ path: z.string() }));

/**
 * The repositories below the configured namespaces: by GitLab's own API where a token for it is configured, else by the registry's.
 * @returns `undefined` without namespaces: `_catalog` lists everything, to whoever may see it
 * @throws {RegistryError} UNSUPPORTED (no metadata database), NOT_FOUND (no such namespace), DENIED, LISTING, …
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage | undefined> {
  if (!session.endpoint.namespaces) return undefined;
  const list = session.endpoint.api?.token === undefined ? listBelow : listOfGroup;
  return listByNamespace(session, options, (namespace, after) => list(session, namespace, { ...options, after }));
}

async function listBelow(session: Session, namespace: string, { after, signal }: CatalogOptions): Promise<CatalogPage> {
  const base = namespace.toLowerCase();
  const path = `repository-paths/${base}/repositories/list/`;
  const page = await markedPage(session, { path, repository: base, pullFrom: `${base}/*` }, REPOSITORIES, after, signal);
  const request = { method: 'GET', path: `/gitlab/v1/${path}` } as const;
  if (page === undefined) {
    const says = 'this registry has no metadata database, and lists nothing by namespace: leave namespaces out, or give a catalog';
    throw registryError(session, request, 'UNSUPPORTED', says);
  }
  if (page === 'unknown')
    throw registryError(session, request, 'NOT_FOUND', `the registry knows no namespace ${namespace}`, { status: 404 });
  return { repositories: page.items.map((item) => item.path), ...(page.last === undefined ? {} : { next: page.last }) };
}
