import { sql, type RawBuilder } from 'kysely';
import type { Difference } from '../model/failure.ts';
import type { ImageRow } from './apply-outcome.ts';
import { asked, type Ledger } from './ledger.ts';
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
  readonly cursor?: string;
  readonly limit?: number;
}

const PAGE = 100;
const FAILED_PAGE = 500;

/** In scope and, as far as is known, held by the primary: what the counts are of. */
export const COUNTED = sql`(missing_since is null and not out_of_scope)`;
/** Not verified, and left out of the recovery point by name: at the digest that was waived, not at a later one. */
export const WAIVED = sql`exists (
  select 1 from waivers w where w.site = images.site and w.repository = images.repository and w.tag = images.tag
    and w.digest is not distinct from images.digest)`;
/** Read back from the secondary at the digest that the primary holds. */
export const VERIFIED = sql`(sync = 'synced' and verification = 'succeeded' and verified_digest = digest)`;

const STATES: Readonly<Record<ImageState, RawBuilder<unknown>>> = {
  pending: sql`${COUNTED} and sync in ('pending', 'started')`,
  started: sql`${COUNTED} and sync = 'started'`,
  synced: sql`${COUNTED} and sync = 'synced'`,
  failed: sql`${COUNTED} and sync = 'failed'`,
  verified: sql`${COUNTED} and ${VERIFIED}`,
  held: sql`exists (select 1 from deletions d where d.site = images.site and d.repository = images.repository and d.tag = images.tag and d.state = 'held')`,
  missing: sql`missing_since is not null`,
  excluded: sql`out_of_scope`,
  waived: sql`${COUNTED} and not ${VERIFIED} and ${WAIVED}`,
};

/**
 * A page of a site's images, by repository and tag. Without a state: what is in scope at the primary.
 * @throws {TwinportError} LEDGER, INVALID (cursor)
 */
export async function listImages(ledger: Ledger, site: string, query: ImageQuery = {}): Promise<Page<ImageStatus>> {
  const limit = query.limit ?? PAGE;
  const [repository = '', tag = ''] = readCursor(query.cursor, 2);
  const state = query.state === undefined ? COUNTED : STATES[query.state];
  const only = query.repository === undefined ? sql`` : sql` and repository = ${query.repository}`;
  const { rows } = await asked(() =>
    sql<ListedRow>`
      select *, ${STATES.waived} as waived from images where site = ${site} and (repository, tag) > (${repository}, ${tag}) and ${state}${only}
      order by repository, tag limit ${limit + 1}`.execute(ledger.db),
  );
  return pageOf(rows, limit, imageStatus, (row) => [row.repository, row.tag]);
}

/** One image, whatever its state; `undefined` if the ledger does not know it. @throws {TwinportError} LEDGER */
export async function getImage(ledger: Ledger, site: string, repository: string, tag: string): Promise<ImageStatus | undefined> {
  const row = await asked(() =>
    ledger.db
      .selectFrom('images')
      .selectAll()
      .select(sql<boolean>`${STATES.waived}`.as('waived'))
      .where('site', '=', site)
      .where('repository', '=', repository)
      .where('tag', '=', tag)
      .executeTakeFirst(),
  );
  return row && imageStatus(row);
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

interface ListedRow extends ImageRow {
  readonly waived: boolean;
}

function imageStatus(row: ListedRow): ImageStatus {
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

function iso(at: number | null): string | null {
  return at === null || at < 0 ? null : new Date(at).toISOString();
}
