import { registryError } from './errors.ts';
import { kindOf } from './kinds/index.ts';
import { nextQuery } from './links.ts';
import { refusal, registryCodes } from './refusal.ts';
import type { Session } from './session.ts';
import type { RegistryRequest, RegistryResponse, Scope } from './transport/request.ts';

/** What is listed, and how. */
export interface Listing {
  readonly repository?: string;
  readonly path: 'tags/list' | '_catalog';
  readonly field: 'tags' | 'repositories';
  readonly scope: Scope;
  readonly signal?: AbortSignal | undefined;
}

/** A part of a list. */
export interface Page {
  /** Names not given before, as served, each once. */
  readonly items: string[];
  /** Where to go on: the last name, or `?` and the query of the registry's own link. Absent at the end. */
  readonly next?: string;
  /** `next` is the registry's own; else it is our suspicion that there may be more. */
  readonly linked?: boolean;
}

/** Registries refuse more (400), or cut silently. */
const MAX_PAGE = 1_000;
const MIN_PAGE = 10;

/** What a 400 says of a page that is too large: Distribution, and others. */
const PAGE_TOO_LARGE: ReadonlySet<string> = new Set(['PAGINATION_NUMBER_INVALID', 'UNSUPPORTED']);

/** Servers that cut a list without a word do so at a round number. */
const ROUND = 50;

/** Registries that were seen to say where to go on: then their silence means the end. */
const linking = new WeakSet<Session>();

/** The page sizes that registries turned out to accept. */
const accepted = new WeakMap<Session, number>();

/**
 * Lists over all pages.
 * @returns each name once, as served; `undefined` where the registry does not know the repository
 * @throws {RegistryError} LISTING (truncated, looping, or not a list), …
 */
export async function listAll(session: Session, listing: Listing): Promise<Set<string> | undefined> {
  const seen = new Set<string>();
  const cursors = new Set<string>();
  let after: string | undefined;
  do {
    const page = await fetchPage(session, listing, after, MAX_PAGE);
    if (!page) {
      if (after === undefined) return undefined;
      throw broken(session, listing, 'the repository vanished between two pages');
    }
    const before = seen.size;
    for (const item of page.items) seen.add(item);
    if (page.next !== undefined && (cursors.has(page.next) || seen.size === before)) {
      // Without a link it was our own question that found nothing more.
      if (!page.linked) return seen;
      throw broken(session, listing, 'its pages lead in a circle');
    }
    if (page.next !== undefined) cursors.add(page.next);
    after = page.next;
  } while (after !== undefined);
  return seen;
}

/**
 * Reads one page.
 * @param after `next` of the page before, or a name to begin behind
 * @returns `undefined` where the registry does not know the repository
 * @throws {RegistryError} LISTING (truncated, looping, or not a list), DENIED, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function fetchPage(session: Session, listing: Listing, after: string | undefined, limit: number): Promise<Page | undefined> {
  const size = Math.max(1, Math.min(limit, MAX_PAGE, accepted.get(session) ?? MAX_PAGE));
  const answer = await askPage(session, listing, after, size);
  if (!answer) return undefined;
  const { names, link, asked } = answer;
  const repeated = after === undefined ? -1 : names.indexOf(after);
  const items = names.slice(repeated + 1);
  if (link !== undefined) {
    linking.add(session);
    if (link === after || items.length === 0) throw broken(session, listing, 'its link to the next page leads in a circle');
    return { items, next: link, linked: true };
  }
  const last = items.at(-1);
  // It gave again what we were to begin behind: it does not go by `last`, so this was everything it will ever tell.
  if (repeated >= 0) {
    if (names.length >= asked) await refuseTruncation(session, listing, asked);
    return { items };
  }
  const suspicious = !linking.has(session) && (names.length >= asked || names.length % ROUND === 0);
  return last !== undefined && suspicious ? { items, next: last } : { items };
}

interface Answer {
  readonly names: string[];
  readonly link?: string;
  /** The page size that the registry accepted. */
  readonly asked: number;
}

async function askPage(session: Session, listing: Listing, after: string | undefined, size: number): Promise<Answer | undefined> {
  for (let asked = size; ;) {
    const request: RegistryRequest = {
      method: 'GET',
      repository: listing.repository,
      path: listing.path,
      query: pageQuery(after, asked),
      scope: listing.scope,
      signal: listing.signal,
      accept: [200, 400, 404],
    };
    const response = await session.send(request);
    if (response.status === 200) {
      const link = readLink(session, listing, response);
      return { names: readNames(session, listing, response), asked, ...(link === undefined ? {} : { link }) };
    }
    const text = new TextDecoder().decode(response.bytes);
    const codes = registryCodes(text);
    if (response.status === 404 && listing.repository !== undefined && codes.some((code) => isAbsence(session, code))) return undefined;
    if (!codes.some((code) => PAGE_TOO_LARGE.has(code)) || asked <= MIN_PAGE)
      throw refusal(session, request, { status: response.status, text });
    asked = Math.max(MIN_PAGE, Math.floor(asked / 2));
    accepted.set(session, asked);
  }
}

function isAbsence(session: Session, code: string): boolean {
  const known = kindOf(session.endpoint.kind).absenceCodes;
  return known.includes(code);
}

function pageQuery(after: string | undefined, n: number): URLSearchParams {
  if (after?.startsWith('?')) return new URLSearchParams(after);
  return new URLSearchParams(after === undefined ? { n: String(n) } : { n: String(n), last: after });
}

function readNames(session: Session, listing: Listing, response: RegistryResponse): string[] {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(response.bytes));
  } catch {
    throw broken(session, listing, 'the answer is not JSON');
  }
  const names = (body as Record<string, unknown> | null)?.[listing.field];
  // Distribution 2 writes an empty list of tags so.
  if (names === null && listing.field === 'tags') return [];
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === 'string')) {
    throw broken(session, listing, `the answer has no list of ${listing.field}`);
  }
  return [...new Set(names)];
}

/** The cursor in the registry's link. */
function readLink(session: Session, listing: Listing, response: RegistryResponse): string | undefined {
  const query = nextQuery(session, { ...listing, method: 'GET' }, response);
  if (query === undefined) return undefined;
  const last = query.get('last');
  const plain = [...query.keys()].every((key) => key === 'n' || key === 'last') && query.getAll('last').length === 1;
  return plain && last && !last.startsWith('?') ? last : `?${query.toString()}`;
}

/** A full page that cannot be gone beyond: if a smaller one is full as well, the list is cut, and what is cut off cannot be had. */
async function refuseTruncation(session: Session, listing: Listing, full: number): Promise<void> {
  if (full <= 1) return;
  const smaller = await askPage(session, listing, undefined, full - 1);
  if (smaller?.names.length === full - 1) {
    throw broken(session, listing, `it cuts the list at ${full} ${listing.field} and offers no way to the rest`);
  }
}

function broken(session: Session, listing: Listing, says: string): Error {
  return registryError(
    session,
    { method: 'GET', path: listing.path, repository: listing.repository },
    'LISTING',
    `the list cannot be used: ${says}`,
  );
}
