import { expect, it } from '@jest/globals';
import { keepSamples, listSamples, markVerification, siteStatus } from '../../src/ledger/index.ts';
import { failed, policyOf, synced, useLedger } from './support.ts';

const use = useLedger();
const MINUTE_MS = 60_000;
const repository = 'app';

it('keeps a sample a minute, whoever asks for it, with what was verified since the one before', async () => {
  const site = 'sampled';
  const policy = policyOf(site);
  const start = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 10 * MINUTE_MS;
  const sample = async (at: number): Promise<void> => keepSamples(use.ledger, await siteStatus(use.ledger, [site]), at);
  await markVerification(use.ledger, { policy, repository, outcomes: [synced('a', 1, start - 20_000)] }, start - 10_000);
  await sample(start + 1_000);
  await markVerification(
    use.ledger,
    { policy, repository, outcomes: [synced('b', 2, start + 2_000), synced('c', 3, start + 2_000)] },
    start + 5_000,
  );
  await markVerification(use.ledger, { policy, repository, outcomes: [failed('d', start + 2_000)] }, start + 5_000);
  await Promise.all([sample(start + MINUTE_MS + 10), sample(start + MINUTE_MS + 20_000)]);
  await sample(start + 2 * MINUTE_MS);
  const at = (minutes: number): string => new Date(start + minutes * MINUTE_MS).toISOString();
  expect(await listSamples(use.ledger, site, 3_600_000)).toEqual([
    expect.objectContaining({ at: at(0), total: 1, verified: 1, images: 1, bytes: 100 }),
    expect.objectContaining({ at: at(1), total: 4, verified: 3, failed: 1, images: 2, bytes: 200, lagSeconds: null }),
    expect.objectContaining({ at: at(2), total: 4, images: 0, bytes: 0 }),
  ]);
});

it('of a long time it tells as many points as a curve can show, the worst and the latest of each', async () => {
  const site = 'long';
  const start = Math.floor(Date.now() / MINUTE_MS / 10) * MINUTE_MS * 10 - 7 * 86_400_000;
  const rows = Array.from({ length: 7 * 1_440 }, (_, n) => ({
    ...{ site, at: start + n * MINUTE_MS, lag_seconds: n % 10 === 3 ? 500 : 1, recovery_point_seconds: null },
    ...{ total: n, verified: n, failed: 0, pending: 0, images: 1, bytes: 10 },
  }));
  for (let from = 0; from < rows.length; from += 2_000) {
    await use.ledger.db
      .insertInto('site_samples')
      .values(rows.slice(from, from + 2_000))
      .execute();
  }
  const points = await listSamples(use.ledger, site, 7 * 86_400_000);
  expect(points.length).toBeLessThanOrEqual(721);
  expect(points.length).toBeGreaterThan(600);
  expect(points.at(-1)).toMatchObject({ total: rows.length - 1 });
  expect(points.reduce((sum, { images }) => sum + images, 0)).toBe(rows.length);
  expect(Math.max(...points.map(({ lagSeconds }) => lagSeconds ?? 0))).toBe(500);
});
