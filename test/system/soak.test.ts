import { expect, it } from '@jest/globals';
import { expectSound } from '../soak/expect-sound.ts';
import { soak } from '../soak/soak.ts';

/* Half a minute of what `npm run test:soak` does for twenty. */
it('equal sides, no lie, no stuck workflow and no upload left after pushes, moves, deletions and faults at random', async () => {
  const report = await soak({ seed: 20261130, seconds: 25 });
  process.stderr.write(`soak: ${JSON.stringify(report)}\n`);
  expectSound(report);
  expect(report.traffic.images).toBeGreaterThan(0);
  // Longer than it may take to settle: what is still open then says more than a test that is out of time.
}, 900_000);
