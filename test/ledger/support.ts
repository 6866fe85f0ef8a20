import { afterAll, beforeAll, expect } from '@jest/globals';
import { sql } from 'kysely';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { IMAGE_COUNTS } from '../../src/ledger/image-counts.ts';
import { COUNTED, VERIFIED } from '../../src/ledger/images.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { SitePolicy } from '../../src/model/policy.ts';
import type { ComparedTag, CompareRepositoryResult, ImageOutcome } from '../../src/model/steps.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';

/** A real PostgreSQL for a file of tests, and a ledger in it. */
export function useLedger(): { readonly ledger: Ledger; readonly server: EmbeddedPostgres } {
  let folder: string;
  let server: EmbeddedPostgres | undefined;
  let ledger: Ledger | undefined;
  beforeAll(async () => {
    folder = await mkdtemp('/tmp/twinport-test-');
    server = await startPostgres({ dataDir: join(folder, 'data') });
    ledger = await openLedger(server.poolConfig);
  });
  afterAll(async () => {
    // A file may have stopped the server itself.
    if (ledger && (await isThere(ledger))) await expectCounted(ledger);
    await ledger?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get ledger() {
      if (!ledger) throw new Error('the ledger is not open');
      return ledger;
    },
    get server() {
      if (!server) throw new Error('the server does not run');
      return server;
    },
  };
}

async function isThere({ db }: Ledger): Promise<boolean> {
  return sql`select 1`.execute(db).then(
    () => true,
    () => false,
  );
}

/** Whatever a file's tests did to images, the counts that were kept along are those that counting gives. */
async function expectCounted({ db }: Ledger): Promise<void> {
  const of = (name: string, condition = sql`true`) => sql`count(*) filter (where ${condition}) as ${sql.ref(name)}`;
  const columns = [
    of('total'),
    of('synced', sql`sync = 'synced'`),
    of('verified', VERIFIED),
    of('failed', sql`sync = 'failed'`),
    of('pending', sql`sync in ('pending', 'started')`),
  ];
  const counted = await sql`select site, ${sql.join(columns)} from images where ${COUNTED} group by site order by site`.execute(db);
  const kept = await sql`
    select i.* from (select distinct site from image_counts) n(name) cross join lateral (select name as site, i.* from ${IMAGE_COUNTS} i) i
    where total <> 0 or synced <> 0 or verified <> 0 or failed <> 0 or pending <> 0 order by site`.execute(db);
  expect(kept.rows).toEqual(counted.rows);
}

export const DAY_MS = 86_400_000;

export function policyOf(site: string, deletes: Partial<SitePolicy['deletes']> = {}): SitePolicy {
  return {
    site,
    revision: '1',
    epoch: 1,
    path: '{repository}',
    repositories: { include: ['**'], exclude: [] },
    tags: { include: ['**'], exclude: [] },
    deletes: { policy: 'guard', confirmAfterMs: 600_000, ...deletes },
    verify: { everyMs: 7 * DAY_MS, depth: 'shallow' },
  };
}

/** A digest that shows which it is. */
export function digest(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, '0')}`;
}

export function synced(tag: string, n: number, look: number, more: Partial<ImageOutcome> = {}): ImageOutcome {
  return { tag, digest: digest(n), sync: 'synced', verification: 'succeeded', look, bytes: 100, ...more };
}

export function failed(tag: string, look: number, more: Partial<ImageOutcome> = {}): ImageOutcome {
  return { tag, sync: 'failed', verification: 'pending', look, failure: { code: 'DENIED', message: 'no', retry: 'never' }, ...more };
}

export function page(look: number, tags: readonly ComparedTag[], more: Partial<CompareRepositoryResult> = {}): CompareRepositoryResult {
  return { summary: '', look, tags, extra: [], excluded: 0, failures: [], ...more };
}

export function same(tag: string, n: number): ComparedTag {
  return { tag, digest: digest(n), same: true };
}

export function differs(tag: string, n: number): ComparedTag {
  return { tag, digest: digest(n), same: false };
}

export const all = (): boolean => true;
