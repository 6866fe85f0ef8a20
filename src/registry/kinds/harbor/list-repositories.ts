import { z } from 'zod';
import type { Session } from '../../session.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { numberedList } from '../numbered-list.ts';
import { harborPage } from './pages.ts';

const PATH = '/api/v2.0/repositories';
const REPOSITORIES = z.array(z.looseObject({ name: z.string() })).nullable();

/**
 * The repositories that the user or robot may see, in the order in which they were made: new ones come at the end, behind what was read.
 * @returns `undefined` where the API is closed to these credentials
 * @throws {RegistryError} LISTING, PROTOCOL, UNREACHABLE, …
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage | undefined> {
  return numberedList(session, PATH, options, async (number) => {
    const page = await harborPage(session, PATH, { sort: 'creation_time' }, REPOSITORIES, number, options.signal);
    return page && { items: page.items.map(({ name }) => name), more: page.more };
  });
}
