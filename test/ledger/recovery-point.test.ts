import { describe, expect, it } from '@jest/globals';
import { registerSites } from '../../src/ledger/index.ts';
import { randomOf, World } from './recovery-model.ts';
import { useLedger } from './support.ts';

const use = useLedger();
/** `npm run test:fuzz` runs many more. */
const HISTORIES = Number(process.env['TWINPORT_HISTORIES'] ?? 40);
const SEED = Number(process.env['TWINPORT_SEED'] ?? 1);
const STEPS = 70;

describe('the recovery point', () => {
  it(`is never better than the truth, and the observed lag never worse, over ${HISTORIES} histories`, async () => {
    let proved = 0;
    for (let seed = SEED; seed < SEED + HISTORIES; seed++) {
      const random = randomOf(seed);
      const world = new World(use.ledger, `history-${seed}-${Date.now()}`, random);
      await registerSites(use.ledger, [{ name: world.site, fingerprint: 'f' }], { reset: false });
      for (let step = 0; step < STEPS; step++) {
        await world.step();
        if (random() > 0.25) continue;
        const { broken, proved: yes } = await world.check();
        if (yes) proved += 1;
        if (broken !== undefined) throw new Error(`seed ${seed}: ${broken}\n${world.log.join('\n')}`);
      }
    }
    // A point that is never proved would pass as well.
    expect(proved).toBeGreaterThanOrEqual(HISTORIES / 2);
  }, 7_200_000);
});
