import type { Session } from '../session.ts';
import type { CatalogOptions, CatalogPage } from './kind.ts';
import { listingError } from './listing-error.ts';

/**
 * Lists the repositories of the configured namespaces, one after the other.
 * @param read one page of one namespace: `after` is `next` of that namespace's page before
 * @throws {RegistryError} LISTING (the configuration has changed in between), and what `read` throws
 */
export async function listByNamespace(
  session: Session,
  { after }: CatalogOptions,
  read: (namespace: string, after: string | undefined) => Promise<CatalogPage>,
): Promise<CatalogPage> {
  const namespaces = [...new Set(session.endpoint.namespaces ?? [])];
  const place = after === undefined ? { namespace: namespaces[0] ?? '' } : readPlace(after);
  const at = namespaces.indexOf(place.namespace);
  if (at < 0) throw listingError(session, 'repositories', `its place is in namespace ${place.namespace}, which is not configured any more`);
  const { repositories, next } = await read(place.namespace, place.after);
  const following = namespaces[at + 1];
  if (next !== undefined) return { repositories, next: `${place.namespace} ${next}` };
  return { repositories, ...(following === undefined ? {} : { next: following }) };
}

/** `<namespace> <place in its list>`: no namespace has a space. */
function readPlace(after: string): { namespace: string; after?: string } {
  const space = after.indexOf(' ');
  return space < 0 ? { namespace: after } : { namespace: after.slice(0, space), after: after.slice(space + 1) };
}
