import { expect, it } from '@jest/globals';
import { killAt, killWithEvent, MOMENTS, nameOf, WORKER_STEPS } from '../faults/kill-at.ts';
import { processSystem } from '../faults/process-system.ts';
import { pushImage } from '../support/images.ts';
import { drawOf, randomOf } from '../support/random.ts';

const SEED = 20261130;

/* What `npm run test:faults` has all of. In the middle of `copyBlobs` a worker is killed in worker.test.ts. */
it('goes on after a worker was killed at some step, and the starter with an event', async () => {
  const draw = drawOf(randomOf(SEED));
  const [step, moment] = [draw.one(WORKER_STEPS.filter((one) => one !== 'copyBlobs')), draw.one(MOMENTS)];
  const [ofWorker, ofStarter] = [nameOf(step, moment), 'event'];
  const system = await processSystem({ secondary: 3 });
  const worker = await system.startWorker();
  const watch = system.watch([ofWorker, ofStarter]);
  try {
    const workerIsDead = killAt(system, step, moment, worker);
    await pushImage(system.primary.url, ofWorker, 'v1');
    await workerIsDead();
    const starterIsDead = killWithEvent(system, ofStarter);
    await pushImage(system.primary.url, ofStarter, 'v1');
    await starterIsDead();
    await Promise.all([system.startWorker(), system.startStarter()]);
    await watch.recovered(90_000);
    await watch.report(`killed-${step}`, 'another worker went on; verified without a hand');
  } finally {
    await watch.stop();
  }
  expect(await system.uploads()).toEqual([]);
});
