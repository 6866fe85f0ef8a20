import { sql, type RawBuilder } from 'kysely';
import type { Difference } from '../model/failure.ts';
import type { ImageRow } from './apply-outcome.ts';
import { asked, iso, type Ledger } from './ledger.ts';
import { pageOf, readCursor, type Page } from './paging.ts';

/** An image of a site as operators see it; moments as ISO 8601. */
export interface ImageStatus {
  readonly repository: string;
  readonly tag: string;
  readonly reference: string;
  readonly digest: string | null;
  readonly sync: string;
  readonly verification: string;
  /** Not verified, and left out of the recovery point by name. */
  readonly waived: boolean;
  readonly reason: string | null;
  /** What was expected and what was found, where the secondary keeps what is broken. */
  readonly difference: Difference | null;
  readonly attempts: number;
  readonly bytes: number | null;
  readonly lookedAt: string | null;
  readonly verifiedAt: string | null;
}

export type ImageState = 'pending' | 'started' | 'synced' | 'failed' | 'verified' | 'held' | 'missing' | 'excluded' | 'waived';

/** Which images to list. */
export interface ImageQuery {
  readonly state?: ImageState;
  readonly repository?: string;
  /** Part of a repository's name, with the beginning of a tag after a colon if one is searched for. */
  readonly search?: string;
  /** For at least how many milliseconds: since the change that is not verified, else since the last verification. */
  readonly olderThanMs?: number;
  readonly cursor?: string;
  readonly limit?: number;
}

const PAGE = 100;
/** When the statement began, by the ledger's clock: unlike the clock itself it is one moment, by which an index can be searched. */
const STATEMENT_MS = sql`(extract(epoch from statement_timestamp()) * 1000)::bigint`;
const FAILED_PAGE = 500;

/** In scope and, as far as is known, held by the primary: what the counts are of. The trigger of migration 8 says the same. */
export const COUNTED = sql`(missing_since is null and not out_of_scope)`;
/** Not verified, and left out of the recovery point by name: at the digest that was waived, not at a later one. */
export const WAIVED = sql`exists (
  select 1 from waivers w where w.site = images.site and w.repository = images.repository and w.tag = images.tag
    and w.digest is not distinct from images.digest)`;
/** Read back from the secondary at the digest that the primary holds. The trigger of migration 8 says the same. */
export const VERIFIED = sql`(sync = 'synced' and verification = 'succeeded' and verified_digest = digest)`;

/** Not verified, and nobody waits for it. */
export const LEFT_OUT = sql<boolean>`(${COUNTED} and not ${VERIFIED} and ${WAIVED})`;

/** Which images are in a state. */
const STATES: Readonly<Record<ImageState, RawBuilder<unknown>>> = {
  pending: sql`${COUNTED} and sync in ('pending', 'started')`,
  started: sql`${COUNTED} and sync = 'started'`,
  synced: sql`${COUNTED} and sync = 'synced'`,
  failed: sql`${COUNTED} and sync = 'failed'`,
  verified: sql`${COUNTED} and ${VERIFIED}`,
  held: sql`exists (select 1 from deletions d where d.site = images.site and d.repository = images.repository and d.tag = images.tag and d.state = 'held')`,
  missing: sql`missing_since is not null`,
  excluded: sql`out_of_scope`,
  waived: LEFT_OUT,
};

/**
 * A page of a site's images, by repository and tag. Without a state: what is in scope at the primary.
 * @throws {TwinportError} LEDGER, INVALID (cursor)
 */
export async function listImages(ledger: Ledger, site: string, query: ImageQuery = {}): Promise<Page<ImageStatus>> {
  const limit = query.limit ?? PAGE;
  const after = readCursor(query.cursor, 2);
  const conditions = [query.state === undefined ? COUNTED : STATES[query.state]];
  if (query.repository !== undefined) conditions.push(sql`repository = ${query.repository}`);
  if (query.olderThanMs !== undefined)
    conditions.push(sql`coalesce(changed_at, verified_at) < ${STATEMENT_MS} - ${query.olderThanMs}::bigint`);
  const wanted = { site, limit: limit + 1, after, where: sql.join(conditions, sql` and `) };
  const { rows } = await asked(() => (query.search === undefined ? allOf(wanted) : foundBy(query.search, wanted)).execute(ledger.db));
  return pageOf(rows, limit, imageStatus, (row) => [row.repository, row.tag]);
}

interface Wanted {
  readonly site: string;
  readonly limit: number;
  readonly after: readonly string[];
  readonly where: RawBuilder<unknown>;
}

function allOf({ site, limit, after: [repository = '', tag = ''], where }: Wanted) {
  return sql<ListedRow>`
    select *, ${STATES.waived} as waived from images where site = ${site} and (repository, tag) > (${repository}, ${tag}) and ${where}
    order by repository, tag limit ${limit}`;
}

/** Sorts after every character of a tag. */
const AFTER_TAGS = '~';

/** There are few repositories where there are many images: their names are searched, and the tags of those found by their beginning. */
function foundBy(search: string, { site, limit, after: [repository = '', tag = ''], where }: Wanted) {
  const colon = search.lastIndexOf(':');
  const [part, begin] = colon < 0 ? [search, ''] : [search.slice(0, colon), search.slice(colon + 1)];
  return sql<ListedRow>`
    select i.* from (
      select repository from (
        select repository from repositories where site = ${site} union select repository from listed_repositories where site = ${site}) known
      where strpos(repository, ${part}) > 0 and repository >= ${repository} order by repository) r
    cross join lateral (
      select *, ${STATES.waived} as waived from images
      where site = ${site} and repository = r.repository and (r.repository, tag) > (${repository}, ${tag}) and tag >= ${begin} and tag < ${begin + AFTER_TAGS} and ${where}
      order by tag limit ${limit}) i
    order by i.repository, i.tag limit ${limit}`;
}

/** All failed images of a site, page by page. @throws {TwinportError} LEDGER */
export async function* failedImages(ledger: Ledger, site: string): AsyncIterable<{ repository: string; tag: string }> {
  let cursor: string | undefined;
  do {
    const page: Page<ImageStatus> = await listImages(ledger, site, {
      state: 'failed',
      limit: FAILED_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { repository, tag } of page.items) yield { repository, tag };
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

/** A row of `images` with whether it is waived. */
export interface ListedRow extends ImageRow {
  readonly waived: boolean;
}

/** What operators see of a row. */
export function imageStatus(row: ListedRow): ImageStatus {
  const { repository, tag, digest, sync, verification, waived, reason, difference, attempts, bytes } = row;
  const reference = `${repository}:${tag}`;
  return {
    repository,
    tag,
    reference,
    digest,
    sync,
    verification,
    waived,
    reason,
    difference,
    attempts,
    bytes,
    lookedAt: iso(row.looked_at),
    verifiedAt: iso(row.verified_at),
  };
}
