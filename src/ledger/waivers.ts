import { sql } from 'kysely';
import { TwinportError } from '../model/failure.ts';
import { auditIn } from './audit.ts';
import { lockKnownImages } from './image-rows.ts';
import { COUNTED, VERIFIED } from './images.ts';
import { asked, NOW_MS, transact, type Db, type Ledger } from './ledger.ts';
import { pageOf, readCursor, type Page } from './paging.ts';
import { completeScans } from './complete-scans.ts';
import { closeScans, lockWaivers, reopenScans } from './recovery-point.ts';

/** An image that is left out of a site's recovery point, as operators see it; moments as ISO 8601. */
export interface Waiver {
  readonly repository: string;
  readonly tag: string;
  readonly reference: string;
  /** What the tag held when it was waived; null: nobody could read it. */
  readonly digest: string | null;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
  /** The image is still not verified, and still at that digest. */
  readonly inEffect: boolean;
}

/** One image by name. */
export interface WaivedImage {
  readonly repository: string;
  readonly tag: string;
}

const PAGE = 100;

interface WaiverRow extends WaivedImage {
  readonly digest: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly at: number;
  readonly in_effect: boolean;
}

/** A page of a site's waivers, by repository and tag. @throws {TwinportError} LEDGER, INVALID (cursor) */
export async function listWaivers(ledger: Ledger, site: string, query: { cursor?: string; limit?: number } = {}): Promise<Page<Waiver>> {
  const limit = query.limit ?? PAGE;
  const [repository = '', tag = ''] = readCursor(query.cursor, 2);
  const { rows } = await asked(() =>
    sql<WaiverRow>`
      select w.repository, w.tag, w.digest, w.reason, w.actor, w.at, exists (
        select 1 from images where site = w.site and images.repository = w.repository and images.tag = w.tag
          and ${COUNTED} and not ${VERIFIED} and images.digest is not distinct from w.digest) as in_effect
      from waivers w where w.site = ${site} and (w.repository, w.tag) > (${repository}, ${tag})
      order by w.repository, w.tag limit ${limit + 1}`.execute(ledger.db),
  );
  return pageOf(rows, limit, waiverOf, (row) => [row.repository, row.tag]);
}

/**
 * Leaves images that are not verified out of a site's recovery point, each at the digest that it has now; all of them or none.
 * @throws {TwinportError} NOT_FOUND (no such image is counted), CONFLICT (it is verified), LEDGER
 */
export function waiveImages(
  ledger: Ledger,
  site: string,
  images: readonly WaivedImage[],
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<number> {
  return transact(ledger, async (trx) => {
    await lockAll(trx, site, images);
    for (const image of images) await waive(trx, site, image, { reason, actor });
    return images.length;
  });
}

/**
 * Takes waivers back; all of them or none. What was proved without such an image is proved no more.
 * @throws {TwinportError} NOT_FOUND (it is not waived), LEDGER
 */
export function unwaiveImages(ledger: Ledger, site: string, images: readonly WaivedImage[], actor: string): Promise<number> {
  return transact(ledger, async (trx) => {
    await lockAll(trx, site, images);
    for (const image of images) await unwaive(trx, site, image, actor);
    return images.length;
  });
}

async function waive(trx: Db, site: string, image: WaivedImage, { reason, actor }: { reason: string; actor: string }): Promise<void> {
  const { repository, tag } = image;
  const found = await readImage(trx, site, image);
  const reference = `${repository}:${tag}`;
  if (!found?.counted)
    throw new TwinportError(
      'NOT_FOUND',
      `site "${site}" knows no image ${reference} that the primary holds; "twinport images" lists them, nothing was changed`,
      { retry: 'never' },
    );
  if (found.verified)
    throw new TwinportError('CONFLICT', `${reference} is verified at ${found.digest}: there is nothing to waive, nothing was changed`);
  await lockWaivers(trx, site);
  const { digest } = found;
  const said = { digest, actor, reason, at: NOW_MS };
  await trx
    .insertInto('waivers')
    .values({ site, repository, tag, ...said })
    .onConflict((conflict) => conflict.columns(['site', 'repository', 'tag']).doUpdateSet(said))
    .execute();
  await auditIn(trx, { actor, action: 'waive', site, detail: { reference, digest, reason } });
  await completeScans(trx, site, repository);
  await closeScans(trx, site, [repository]);
}

async function unwaive(trx: Db, site: string, image: WaivedImage, actor: string): Promise<void> {
  const { repository, tag } = image;
  const found = await readImage(trx, site, image);
  await lockWaivers(trx, site);
  const removed = await trx
    .deleteFrom('waivers')
    .where('site', '=', site)
    .where('repository', '=', repository)
    .where('tag', '=', tag)
    .returning(['digest', 'reason'])
    .executeTakeFirst();
  const reference = `${repository}:${tag}`;
  if (!removed)
    throw new TwinportError('NOT_FOUND', `${reference} is not waived at site "${site}", nothing was changed`, { retry: 'never' });
  await auditIn(trx, { actor, action: 'unwaive', site, detail: { reference, ...removed } });
  // A tag that holds another digest was moved since; one that could not be read of late may hold what was waived.
  const moved = found?.digest != null && found.digest !== removed.digest;
  if (!found?.counted || found.verified || moved) return;
  await completeScans(trx, site, repository);
  await reopenScans(trx, site, repository, found.since);
}

interface Found {
  readonly digest: string | null;
  readonly counted: boolean;
  readonly verified: boolean;
  /** Since when it has not been verified. */
  readonly since: number;
}

async function readImage(trx: Db, site: string, { repository, tag }: WaivedImage): Promise<Found | undefined> {
  const { rows } = await sql<Found>`
    select digest, ${COUNTED} as counted, coalesce(${VERIFIED}, false) as verified, coalesce(changed_at, look) as since
    from images where site = ${site} and repository = ${repository} and tag = ${tag}`.execute(trx);
  return rows[0];
}

/** Before the waivers are: whoever records images locks these first, and in this order. */
async function lockAll(trx: Db, site: string, images: readonly WaivedImage[]): Promise<void> {
  await lockKnownImages(
    trx,
    images.map(({ repository, tag }) => ({ site, repository, tag })),
  );
}

function waiverOf({ repository, tag, digest, reason, actor, at, in_effect }: WaiverRow): Waiver {
  return {
    ...{ repository, tag, reference: `${repository}:${tag}`, digest, reason },
    ...{ by: actor, at: new Date(at).toISOString(), inEffect: in_effect },
  };
}
