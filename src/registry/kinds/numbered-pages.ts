import type { Session } from '../session.ts';
import type { CatalogPage } from './kind.ts';
import { listingError } from './listing-error.ts';

/** One page of a list whose pages have numbers. */
export interface NumberedPage {
  readonly items: string[];
  /** The registry says that there is another one. */
  readonly more: boolean;
}

/**
 * Reads the next page of a list whose pages have numbers, from 1 on. `next` holds how the page began, so that a registry that gives the same page for
 * every number is found out.
 * @param path of the API, for messages
 * @throws {RegistryError} LISTING (pages in a circle, an empty page before the end), and what `read` throws
 */
export async function numberedPage<P extends NumberedPage>(
  session: Session,
  path: string,
  after: string | undefined,
  read: (page: number) => Promise<P | undefined>,
): Promise<CatalogPage | undefined> {
  const place = /^(\d+) (.*)$/s.exec(after ?? '');
  const number = place ? Number(place[1]) + 1 : 1;
  const page = await read(number);
  if (!page) return undefined;
  const [first] = page.items;
  if (first !== undefined && first === place?.[2]) throw listingError(session, path, 'its pages lead in a circle');
  if (!page.more) return { repositories: page.items };
  if (first === undefined) throw listingError(session, path, `page ${number} is empty, and said not to be the last`);
  return { repositories: page.items, next: `${number} ${first}` };
}
