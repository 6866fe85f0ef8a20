import type { SiteStatus } from '../../ledger/site-status.ts';
import { TwinportError } from '../../model/failure.ts';
import type { ApiClient } from './api-client.ts';

/** A page of the API. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * The site that a command means: the one named, or the only one.
 * @throws {TwinportError} CONFIG (several, and none named)
 */
export async function siteName(api: ApiClient, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const { items } = await api.get<Page<SiteStatus>>('/sites');
  const [only, ...others] = items;
  if (only && others.length === 0) return only.name;
  const names = items.map(({ name }) => name).join(', ');
  throw new TwinportError('CONFIG', names === '' ? 'no site is known yet' : `name one of the sites with --site: ${names}`);
}
