import type { Session } from './session.ts';
import { fetchPage } from './paging.ts';

/** Which page of the catalog. */
export interface CatalogOptions {
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** At most 1,000 are asked for. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads one page of the registry's list of repositories.
 * @returns names as served; `next` is opaque, and absent at the end
 * @throws {RegistryError} LISTING (truncated, looping, or not a list), DENIED, NOT_FOUND (the registry has no catalog), …
 * @see https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<{ repositories: string[]; next?: string }> {
  const page = await fetchPage(
    session,
    { path: '_catalog', field: 'repositories', scope: 'catalog', signal: options.signal },
    options.after,
    options.limit,
  );
  return { repositories: page?.items ?? [], ...(page?.next === undefined ? {} : { next: page.next }) };
}
