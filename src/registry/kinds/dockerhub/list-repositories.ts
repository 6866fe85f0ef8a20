import { z } from 'zod';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { listByNamespace } from '../namespaces.ts';
import { numberedList } from '../numbered-list.ts';
import { hubPage } from './hub.ts';

const REPOSITORY = z.looseObject({ name: z.string(), repository_type: z.string().nullish() });

/**
 * The repositories of the configured organizations and users; official images are in `library`.
 * @returns `undefined` without namespaces
 * @throws {RegistryError} NOT_FOUND (no such namespace), UNAUTHORIZED, LISTING, …
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage | undefined> {
  if (!session.endpoint.namespaces) return undefined;
  return listByNamespace(session, options, async (written, after) => {
    const namespace = written.toLowerCase();
    const path = `/v2/namespaces/${encodeURIComponent(namespace)}/repositories`;
    const page = await numberedList(session, path, { ...options, after }, async (number) => {
      const read = await hubPage(session, path, REPOSITORY, number, options.signal);
      return read && { items: read.items.filter(isImage).map(({ name }) => `${namespace}/${name}`), more: read.more };
    });
    if (page) return page;
    throw registryError(session, { method: 'GET', path }, 'NOT_FOUND', `the Hub knows no namespace ${namespace}`, { status: 404 });
  });
}

/** Plugins of Docker's engine are kept beside images. */
function isImage({ repository_type: type }: z.output<typeof REPOSITORY>): boolean {
  return type !== 'plugin';
}
