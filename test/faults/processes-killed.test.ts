import { describe, it } from '@jest/globals';
import { pushImage } from '../support/images.ts';
import { killAt, MOMENTS, nameOf, STEPS, type Step } from './kill-at.ts';
import { processSystem } from './process-system.ts';

/** Rows of the table, each named in full: it is looked for. */
const ROWS: Record<Step, string> = {
  fetchManifests: 'killed-fetchManifests',
  enumerateLayers: 'killed-enumerateLayers',
  copyBlobs: 'killed-copyBlobs',
  publishManifests: 'killed-publishManifests',
  markVerification: 'killed-markVerification',
};

describe('a worker killed at every step', () => {
  it('leaves the step to another one', async () => {
    const system = await processSystem({ secondary: 3 });
    const repositories = STEPS.flatMap((step) => MOMENTS.map((moment) => nameOf(step, moment)));
    let worker = await system.startWorker();
    const watch = system.watch(repositories);
    try {
      for (const step of STEPS) {
        for (const moment of MOMENTS) {
          const dead = killAt(system, step, moment, worker);
          await pushImage(system.primary.url, nameOf(step, moment), 'v1', { layers: [50_000, 300_000] });
          await dead();
          worker = await system.startWorker();
          if (step === 'markVerification') await system.startStarter();
        }
      }
      await watch.recovered(240_000);
      for (const step of STEPS) await watch.report(ROWS[step], 'another worker went on; verified without a hand');
    } finally {
      await watch.stop();
    }
  }, 600_000);
});
