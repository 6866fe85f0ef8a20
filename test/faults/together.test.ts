import { describe, expect, it } from '@jest/globals';
import { wrongClock } from '../support/wrong-clock.ts';
import { movingTag } from './moving-tag.ts';
import { processSystem } from './process-system.ts';

const HOUR_MS = 3_600_000;

describe('on one image', () => {
  it('two workers and a backfill at once agree', async () => {
    const system = await processSystem({ secondary: 3 });
    await Promise.all([system.startWorker(), system.startWorker()]);
    // Slow enough for them to meet.
    system.source.rules.push({ method: 'GET', path: /\/together\/blobs\//, delayMs: 300 });
    const { watch, move } = movingTag(system, 'together');
    try {
      let digest = '';
      for (let n = 0; n < 12; n++) {
        digest = await move(200_000);
        await Promise.all([system.send('together', 'v1', digest), system.scan()]);
      }
      await system.verified('together', 'v1', digest, 120_000);
      await watch.recovered();
      await watch.report('together', 'verified in spite of it');
    } finally {
      await watch.stop();
    }
    expect(await system.uploads()).toEqual([]);
  }, 240_000);

  it.each([
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ])(
    'a worker whose clock is %s and one whose is right agree',
    async (among, ms) => {
      const system = await processSystem({ secondary: 3, site: 'deletes: { policy: guard, confirmAfter: 2s }' });
      const wrong = await system.startWorker(wrongClock(ms).env);
      const { watch, move } = movingTag(system, 'skewed');
      try {
        await system.verified('skewed', 'v1', await move(10_000));
        await system.startWorker();
        for (let n = 0; n < 6; n++) await system.verified('skewed', 'v1', await move(10_000));
        await system.scan();
        await watch.recovered();
        expect(await system.status()).toMatchObject({ lagSeconds: 0 });
        wrong.kill('SIGTERM');
        await wrong.ended;
        await watch.report('clock-skew', 'verified in spite of it', among);
      } finally {
        await watch.stop();
      }
    },
    180_000,
  );
});
