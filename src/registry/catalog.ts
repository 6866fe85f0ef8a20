import { isRegistryError, RegistryError } from './errors.ts';
import { kindOf } from './kinds/index.ts';
import { ownApi } from './kinds/own-apis.ts';
import type { CatalogOptions, CatalogPage } from './kinds/kind.ts';
import { requireCarriable } from './listed-names.ts';
import { fetchPage } from './paging.ts';
import type { Session } from './session.ts';

export type { CatalogOptions, CatalogPage } from './kinds/kind.ts';

/**
 * Reads one page of the registry's list of repositories: the configured one, the one of its own API, or `_catalog`.
 * @returns names as served; `next` is opaque, and absent at the end
 * @throws {RegistryError} LISTING (truncated, looping, or not a list), DENIED, NOT_FOUND (the registry has no catalog), …
 * @see https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage> {
  const page = await listSome(session, options);
  requireCarriable(session, '_catalog', page.repositories);
  return page;
}

async function listSome(session: Session, options: CatalogOptions): Promise<CatalogPage> {
  const { catalog } = session.endpoint;
  if (catalog) return pageOf(catalog, options);
  const own = await ownApi(session).listRepositories?.(session, options);
  if (own) return own;
  const listing = { path: '_catalog', field: 'repositories', scope: 'catalog', signal: options.signal } as const;
  const page = await fetchPage(session, listing, options.after, options.limit).catch((thrown: unknown) => {
    throw closed(session, thrown);
  });
  return { repositories: page?.items ?? [], ...(page?.next === undefined ? {} : { next: page.next }) };
}

/** What a registry says that has no catalog, or none for these credentials. */
const CLOSED: ReadonlySet<string> = new Set(['NOT_FOUND', 'UNSUPPORTED', 'DENIED', 'UNAUTHORIZED', 'INVALID']);

/** The same failure with what would help. */
function closed(session: Session, thrown: unknown): unknown {
  if (!isRegistryError(thrown) || !CLOSED.has(thrown.code)) return thrown;
  const { namespace } = kindOf(session.endpoint.kind);
  const other = namespace === undefined || session.endpoint.namespaces ? '' : `, or whose they are (${namespace}) in its namespaces`;
  const { side, host, method, status, codes, retry, message } = thrown;
  const says = `${message}; it cannot list its repositories for us: name them in catalog${other}`;
  return new RegistryError(thrown.code, says, { side, host, method, status, codes, retry, cause: thrown });
}

/** A configured list, in pages as well: it may be long. */
function pageOf(names: readonly string[], { after, limit }: CatalogOptions): CatalogPage {
  const sorted = [...new Set(names)].sort();
  const rest = sorted.filter((name) => after === undefined || name > after);
  const repositories = rest.slice(0, limit);
  const last = repositories.at(-1);
  return { repositories, ...(rest.length > limit && last !== undefined ? { next: last } : {}) };
}
