import type { Digest } from '../model/digest.ts';
import { companionTags, fallbackTag } from '../model/reference.ts';
import type { Referrer } from '../model/referrers.ts';
import type { ImageRow } from './apply-outcome.ts';
import type { Db } from './ledger.ts';

/** What refers to an image, or accompanies it under a tag made of its digest. */
export interface ToldReferrer extends Referrer {
  /** Where it lies, if that is a tag: cosign's `.sig`, `.att` and `.sbom`. */
  readonly tag: string | null;
}

/** How many there are, and the first of them. */
export interface ToldReferrers {
  readonly referrers: readonly ToldReferrer[] | null;
  readonly referrerCount: number | null;
}

/**
 * What was recorded with an image, and what the rows of its companions say: without the referrers API an image's referrers are an index under a tag of their
 * own, which is an image like any other. Null while nothing is recorded.
 */
export async function imageReferrers(db: Db, row: ImageRow): Promise<ToldReferrers> {
  const digest = (row.verified_digest ?? row.digest) as Digest | null;
  if (row.referrers === null || digest === null) return { referrers: null, referrerCount: null };
  const companions = await companionsOf(db, row, digest);
  const index = companions.find(({ tag }) => tag === fallbackTag(digest))?.referrers ?? { count: 0, listed: [] };
  const tagged = companions.flatMap(({ tag, digest: held }): ToldReferrer[] =>
    tag === fallbackTag(digest) || held === null ? [] : [{ digest: held as Digest, artifactType: null, tag }],
  );
  const listed = new Map([...row.referrers.listed, ...index.listed].map((referrer) => [referrer.digest, { ...referrer, tag: null }]));
  return {
    referrers: [...listed.values(), ...tagged],
    referrerCount: Math.max(row.referrers.count, index.count, listed.size) + tagged.length,
  };
}

function companionsOf(db: Db, { site, repository }: ImageRow, digest: Digest): Promise<Pick<ImageRow, 'tag' | 'digest' | 'referrers'>[]> {
  return db
    .selectFrom('images')
    .select(['tag', 'digest', 'referrers'])
    .where('site', '=', site)
    .where('repository', '=', repository)
    .where('tag', 'in', companionTags(digest))
    .where('missing_since', 'is', null)
    .orderBy('tag')
    .execute();
}
