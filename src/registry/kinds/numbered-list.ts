import { randomBytes } from 'node:crypto';
import type { Session } from '../session.ts';
import type { CatalogOptions, CatalogPage } from './kind.ts';
import { listingError } from './listing-error.ts';

/** One page of a list whose pages have numbers. */
export interface NumberedPage {
  readonly items: string[];
  /** The registry says that there is another one. */
  readonly more: boolean;
}

/** The whole list, as two passes in a row gave it. */
interface Pass {
  readonly id: string;
  /** In code point order, each once. */
  readonly names: readonly string[];
}

/** What changes between more passes than this is no list to prove anything with. */
const MOST_PASSES = 5;
/** A list without an end. */
const MOST_PAGES = 10_000;

const passes = new WeakMap<Session, Map<string, Pass>>();

/**
 * Reads a list whose pages have numbers, from 1 on, and gives a part of it. A deletion on a page that was read moves the first of the next one onto it,
 * where nobody looks any more: so the list is read until two passes in a row are equal, and what is given is cut from that. A list of one page was read
 * in one moment, and is read once. `next` names the pass, which this session remembers, and the last name; elsewhere the list is read anew.
 * @param path of the API, for messages
 * @returns `undefined`: there is no first page
 * @throws {RegistryError} LISTING (no two passes are equal, pages in a circle, an empty page before the end), and what `read` throws
 */
export async function numberedList(
  session: Session,
  path: string,
  { after, limit }: Pick<CatalogOptions, 'after' | 'limit'>,
  read: (page: number) => Promise<NumberedPage | undefined>,
): Promise<CatalogPage | undefined> {
  const [, id, last] = /^(\S+) (.*)$/s.exec(after ?? '') ?? [];
  const known = passes.get(session)?.get(path);
  const pass = id !== undefined && known?.id === id ? known : await settledPass(session, path, read);
  if (!pass) return undefined;
  const rest = last === undefined ? pass.names : pass.names.filter((name) => name > last);
  const repositories = rest.slice(0, limit);
  const end = repositories.at(-1);
  if (rest.length <= limit || end === undefined) {
    passes.get(session)?.delete(path);
    return { repositories };
  }
  const bySession = passes.get(session) ?? new Map<string, Pass>();
  passes.set(session, bySession.set(path, pass));
  return { repositories, next: `${pass.id} ${end}` };
}

async function settledPass(
  session: Session,
  path: string,
  read: (page: number) => Promise<NumberedPage | undefined>,
): Promise<Pass | undefined> {
  let before: string | undefined;
  for (let turn = 0; turn < MOST_PASSES; turn++) {
    const found = await onePass(session, path, read);
    if (!found) return undefined;
    const names = [...new Set(found.names)].sort();
    const text = names.join('\n');
    if (found.pages === 1 || text === before) return { id: randomBytes(6).toString('hex'), names };
    before = text;
  }
  throw listingError(session, path, `it changed between each of ${MOST_PASSES} readings, so that none of them is known to be whole`);
}

async function onePass(
  session: Session,
  path: string,
  read: (page: number) => Promise<NumberedPage | undefined>,
): Promise<{ readonly names: string[]; readonly pages: number } | undefined> {
  const names: string[] = [];
  let before: string | undefined;
  for (let number = 1; number <= MOST_PAGES; number++) {
    const page = await read(number);
    if (!page) {
      if (number === 1) return undefined;
      throw listingError(session, path, `page ${number} is not there, and page ${number - 1} was said not to be the last`);
    }
    const [first] = page.items;
    if (first !== undefined && first === before) throw listingError(session, path, 'its pages lead in a circle');
    names.push(...page.items);
    if (!page.more) return { names, pages: number };
    if (first === undefined) throw listingError(session, path, `page ${number} is empty, and said not to be the last`);
    before = first;
  }
  throw listingError(session, path, `it has more than ${MOST_PAGES} pages`);
}
