import { expect, it } from '@jest/globals';
import { expectSound } from './expect-sound.ts';
import { soak } from './soak.ts';

// Read now: tests take the environment away.
const SECONDS = Number(process.env['TWINPORT_SOAK_SECONDS'] ?? '1200');
const SEED = Number(process.env['TWINPORT_SOAK_SEED'] ?? '20261130');

it(
  `${SECONDS} s of pushes, moves, deletions and faults, of seed ${SEED}`,
  async () => {
    const report = await soak({ seed: SEED, seconds: SECONDS });
    process.stderr.write(`soak: ${JSON.stringify(report)}\n`);
    expectSound(report);
    for (const [early, late] of Object.values(report.memory)) expect(late).toBeLessThan(early * 1.2);
  },
  SECONDS * 1_000 + 1_200_000,
);
