import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { killed, processSystem } from '../faults/process-system.ts';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';
import { walk } from '../support/walk.ts';

/** A worker asks every 2 s whether its site is paused. */
const HEARD_MS = 3_000;

it('of a paused site nothing is begun, by workers that are started again neither, and a resumed one catches up', async () => {
  const system = await processSystem({ secondary: 3 });
  const worker = await system.startWorker();
  const first = await pushImage(system.primary.url, 'app', 'v1');
  await system.verified('app', 'v1', first.digest);
  // With the first scan closed, the pause is the one reason that is left.
  await eventually(system.status, ({ ready }) => ready === true, 60_000, 500);

  await system.act('pause');
  await worker.waitFor(/the site is paused: nothing is begun/);
  await eventually(system.status, ({ paused, ready, reason }) => paused === true && ready === false && reason === 'paused', 60_000, 500);
  const second = await pushImage(system.primary.url, 'app', 'v2', { label: 'second' });
  await sleep(HEARD_MS);
  await killed(worker);
  await system.startWorker();
  await sleep(HEARD_MS);
  expect((await walk(system.secondary.url)).tags['app']).toEqual({ v1: first.digest });

  await system.act('resume');
  await system.verified('app', 'v2', second.digest);
  await eventually(system.status, ({ paused, ready }) => paused === false && ready === true, 60_000, 500);
});
