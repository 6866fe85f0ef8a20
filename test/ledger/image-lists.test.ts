import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { foldImageCounts, recountImages } from '../../src/ledger/image-counts.ts';
import type { ImageOutcome } from '../../src/model/steps.ts';
import { imageDetail, listImages, markVerification, recordDeletions, siteStatus, type ImageQuery } from '../../src/ledger/index.ts';
import { policyOf, digest, failed, synced, useLedger } from './support.ts';

const use = useLedger();
const MINUTE_MS = 60_000;

async function put(site: string, repository: string, tags: readonly string[], at = Date.now() - MINUTE_MS): Promise<void> {
  const outcomes = tags.map((tag, n) => synced(tag, n + 1, at));
  await markVerification(use.ledger, { policy: policyOf(site), repository, outcomes }, at + 1);
}

/** All that is found, read in pages of two. */
async function found(site: string, query: ImageQuery): Promise<string[]> {
  const references: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listImages(use.ledger, site, { ...query, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    references.push(...page.items.map(({ reference }) => reference));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return references;
}

describe('listImages', () => {
  it('searches by a part of the repository, and by the beginning of the tag after a colon, page by page', async () => {
    const site = 'searched';
    await put(site, 'shop/web', ['v1', 'v2', 'v10', 'latest']);
    await put(site, 'shop/web-admin', ['v1']);
    await put(site, 'tools/web', ['v1']);
    await put(site, 'tools/x', ['web']);
    await put('another', 'shop/web', ['v1']);
    expect(await found(site, { search: 'web' })).toEqual([
      ...['shop/web:latest', 'shop/web:v1', 'shop/web:v10', 'shop/web:v2', 'shop/web-admin:v1', 'tools/web:v1'],
    ]);
    expect(await found(site, { search: 'shop/:v1' })).toEqual(['shop/web:v1', 'shop/web:v10', 'shop/web-admin:v1']);
    expect(await found(site, { search: ':v2' })).toEqual(['shop/web:v2']);
    expect(await found(site, { search: '%' })).toEqual([]);
    expect(await found(site, { search: 'web', state: 'failed' })).toEqual([]);
    expect(await found(site, { search: 'web', repository: 'tools/web' })).toEqual(['tools/web:v1']);
  });

  it('finds what has been as it is for long: not verified since, or verified last', async () => {
    const site = 'aged';
    const now = Date.now();
    await put(site, 'app', ['old'], now - 3 * 3_600_000);
    await put(site, 'app', ['young'], now - MINUTE_MS);
    await markVerification(
      use.ledger,
      { policy: policyOf(site), repository: 'app', outcomes: [failed('stuck', now - 2 * 3_600_000)] },
      now,
    );
    expect(await found(site, { olderThanMs: 3_600_000 })).toEqual(['app:old', 'app:stuck']);
    expect(await found(site, { olderThanMs: 3_600_000, state: 'failed' })).toEqual(['app:stuck']);
    expect(await found(site, { olderThanMs: 4 * 3_600_000 })).toEqual([]);
  });
});

describe('imageDetail', () => {
  it('tells both sides apart, and what the tag stood for before', async () => {
    const site = 'detail';
    const policy = policyOf(site);
    const repository = 'app';
    await markVerification(use.ledger, { policy, repository, outcomes: [synced('v1', 1, 1_000)] }, 1_500);
    await markVerification(use.ledger, { policy, repository, outcomes: [synced('v1', 2, 2_000, { previous: digest(1) })] }, 2_500);
    await markVerification(
      use.ledger,
      { policy, repository, outcomes: [failed('v1', 3_000, { digest: digest(3), receivedAt: 2_900 })] },
      3_500,
    );
    expect(await imageDetail(use.ledger, { site, repository, tag: 'v1' })).toMatchObject({
      sync: 'failed',
      primary: { digest: digest(3), lookedAt: new Date(3_000).toISOString() },
      secondary: { digest: digest(2), verifiedAt: new Date(2_500).toISOString() },
      changedAt: new Date(2_900).toISOString(),
      receivedAt: new Date(2_900).toISOString(),
      history: [{ at: new Date(2_500).toISOString(), from: digest(1), to: digest(2) }],
      deletion: null,
      move: null,
    });
    expect(await imageDetail(use.ledger, { site, repository, tag: 'v2' })).toBeUndefined();
  });

  it('tells what refers to an image, as it was when it was last verified', async () => {
    const [site, repository] = ['detail-referrers', 'app'];
    const policy = policyOf(site);
    const told = (...outcomes: ImageOutcome[]) => markVerification(use.ledger, { policy, repository, outcomes }, outcomes[0]!.look + 500);
    const seen = async () => {
      const { referrers, referrerCount } = (await imageDetail(use.ledger, { site, repository, tag: 'v1' }))!;
      return { referrers, referrerCount };
    };
    await told(synced('v1', 1, 1_000));
    expect(await seen()).toEqual({ referrers: null, referrerCount: null });
    await told(synced('v1', 1, 2_000, { referrers: { count: 30, listed: [{ digest: digest(7), artifactType: 'sbom' }] } }));
    const sbom = { digest: digest(7), artifactType: 'sbom', tag: null };
    expect(await seen()).toEqual({ referrers: [sbom], referrerCount: 30 });
    // Who does not look leaves what is known of the same digest.
    await told(synced('v1', 1, 3_000));
    expect(await seen()).toEqual({ referrers: [sbom], referrerCount: 30 });
    await told(synced('v1', 2, 4_000));
    expect(await seen()).toEqual({ referrers: null, referrerCount: null });
    // Without the API they are an index under a tag of the digest, as cosign's signature is: images like any other.
    const tag = digest(2).replace(':', '-');
    await told(
      synced('v1', 2, 5_000, { referrers: { count: 0, listed: [] } }),
      synced(tag, 8, 5_000, { referrers: { count: 1, listed: [{ digest: digest(7), artifactType: 'sbom' }] } }),
      synced(`${tag}.sig`, 9, 5_000, { referrers: { count: 0, listed: [] } }),
    );
    expect(await seen()).toEqual({ referrers: [sbom, { digest: digest(9), artifactType: null, tag: `${tag}.sig` }], referrerCount: 2 });
  });

  it('shows the deletion that waits for a person, and no longer once it is decided', async () => {
    const [site, repository] = ['detail-held', 'app'];
    await put(site, repository, ['v1']);
    const held = {
      site,
      repository,
      tag: 'v1',
      digest: digest(1),
      state: 'held',
      reason: 'would delete 1 of 1 tag',
      created_at: 1,
    } as const;
    await use.ledger.db
      .insertInto('deletions')
      .values({ ...held, id: 'd1' })
      .execute();
    expect(await imageDetail(use.ledger, { site, repository, tag: 'v1' })).toMatchObject({ deletion: { id: 'd1', digest: digest(1) } });
    await recordDeletions(
      use.ledger,
      {
        policy: policyOf(site),
        repository,
        outcomes: [{ id: 'd1', tag: 'v1', digest: digest(1), result: 'back' }],
        look: Date.now(),
      },
      Date.now(),
    );
    expect(await imageDetail(use.ledger, { site, repository, tag: 'v1' })).toMatchObject({ deletion: null });
  });
});

it('counts the same before and after it adds up what was appended, whoever writes meanwhile', async () => {
  const site = 'folded';
  // One after the other, or they would be recorded in one transaction.
  const writing = Array.from({ length: 4 }, async (_, chain) => {
    for (let n = 0; n < 10; n++) await put(site, `app-${chain}`, [`v${n}`]);
  });
  const folding = Array.from({ length: 10 }, () => foldImageCounts(use.ledger));
  await Promise.all([...writing, ...folding]);
  const count = async () => (await siteStatus(use.ledger, [site]))[0];
  expect(await count()).toMatchObject({ total: 40, verified: 40, synced: 40 });
  await foldImageCounts(use.ledger);
  expect(await count()).toMatchObject({ total: 40, verified: 40, synced: 40 });
  const { rows } = await sql<{ n: number }>`select count(*) as n from image_counts where site = ${site}`.execute(use.ledger.db);
  expect(rows).toEqual([{ n: 1 }]);
});

describe('recountImages', () => {
  it('sets counts right that somebody made wrong, once a day', async () => {
    const site = 'recounted';
    await put(site, 'app', ['a', 'b', 'c']);
    await put('counted-right', 'app', ['a']);
    const { db } = use.ledger;
    const total = async () => (await siteStatus(use.ledger, [site]))[0]?.total;
    const aDayLater = () => db.updateTable('meta').set({ value: '0' }).where('name', '=', 'images-counted-at').execute();
    await recountImages(use.ledger);
    await sql`insert into image_counts (site, total, synced, verified, failed, pending) values (${site}, 5, 5, -1, 0, 0)`.execute(db);
    expect(await total()).toBe(8);
    expect(await recountImages(use.ledger)).toEqual([]);
    await aDayLater();
    expect(await recountImages(use.ledger)).toEqual([site]);
    expect((await siteStatus(use.ledger, [site]))[0]).toMatchObject({ total: 3, synced: 3, verified: 3, failed: 0, pending: 0 });
    await aDayLater();
    expect(await recountImages(use.ledger)).toEqual([]);
  });
});
