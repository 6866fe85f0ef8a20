import { expect, it } from '@jest/globals';
import { markVerification, recordScan } from '../../src/ledger/index.ts';
import { keepTag } from '../../src/model/reference.ts';
import { all, DAY_MS, digest, page, policyOf, synced, useLedger } from './support.ts';

const use = useLedger();
const repository = 'library/app';
const T = 1_000_000_000_000;

/** A scan that finds these tags kept. @returns those that are to go */
async function scan(site: string, at: number, kept: readonly string[], keepMs?: number, more: { after?: string; next?: string } = {}) {
  const policy = policyOf(site, keepMs === undefined ? {} : { keepMs });
  const { after, next } = more;
  const input = { policy, repository, scan: `${site}-${at}`, verify: 'auto' as const, ...(after === undefined ? {} : { after }) };
  return (await recordScan(use.ledger, { ...input, page: page(at, [], { kept, ...(next ? { next } : {}) }) }, at + 10, all)).expired;
}
const known = async (site: string) =>
  (await use.ledger.db.selectFrom('keeps').select('tag').where('site', '=', site).orderBy('tag').execute()).map(({ tag }) => tag);

const one = keepTag(digest(0xa1));
const two = keepTag(`sha256:b${'0'.repeat(63)}`);

it('lets a kept tag go a week after a scan first saw it, or as long as the policy says', async () => {
  expect(await scan('week', T, [one])).toBeUndefined();
  expect(await scan('week', T + 6 * DAY_MS, [one, two])).toBeUndefined();
  expect(await scan('week', T + 8 * DAY_MS, [one, two])).toEqual([one]);
  // Until it is gone it is asked for again.
  expect(await scan('week', T + 9 * DAY_MS, [one, two])).toEqual([one]);
  expect(await scan('week', T + 9 * DAY_MS, [one, two], 1_000)).toEqual([one, two].sort());
  expect(await scan('week', T + 10 * DAY_MS, [], 0)).toBeUndefined();
  expect(await known('week')).toEqual([]);
});

it('counts anew from each loss of the digest', async () => {
  const policy = policyOf('again');
  const lost = `sha256:b${'0'.repeat(63)}` as const;
  await scan('again', T, [two]);
  await markVerification(
    use.ledger,
    { policy, repository, outcomes: [synced('v1', 2, T + 5 * DAY_MS, { previous: lost })] },
    T + 5 * DAY_MS,
  );
  expect(await scan('again', T + 8 * DAY_MS, [two])).toBeUndefined();
  expect(await scan('again', T + 13 * DAY_MS, [two])).toEqual([two]);
});

it('forgets only what the window that it was told of lacks', async () => {
  await scan('window', T, ['twinport-keep-a', 'twinport-keep-c']);
  await scan('window', T + 1, ['twinport-keep-a'], undefined, { next: 'twinport-keep-b' });
  expect(await known('window')).toEqual(['twinport-keep-a', 'twinport-keep-c']);
  await scan('window', T + 2, [], undefined, { after: 'twinport-keep-b' });
  expect(await known('window')).toEqual(['twinport-keep-a']);
});
