import { expect, it } from '@jest/globals';
import { killed, processSystem } from '../faults/process-system.ts';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';

/** It is told within 25 s where the machine keeps up; without heartbeats it would be told after a minute at the earliest. */
const LATEST_MS = 45_000;

it('a worker that is killed in a backfill is missed by page and metrics within 30 s, and its successor is seen and goes on', async () => {
  const system = await processSystem({ secondary: 3, notify: false });
  for (let n = 0; n < 12; n++) await pushImage(system.primary.url, `team/app-${n}`, 'v1', { label: `${n}` });
  system.target.rules.push({ delayMs: 1_000 });
  const worker = await system.startWorker();
  const backfill = async (): Promise<unknown> => ((await system.status())['backfill'] as { state: string }).state;
  await eventually(system.status, ({ workers }) => workers === 1, 60_000, 200);
  await eventually(backfill, (state) => state === 'running', 60_000, 200);
  const metric = async (): Promise<number> => Number(/^twinport_workers\{site="eu"\} (\d+)$/m.exec(await text('/metrics'))?.[1]);
  const text = async (path: string): Promise<string> => (await fetch(new URL(path, system.url))).text();
  expect(await metric()).toBe(1);
  // The SDK counts in the same process.
  expect(await text('/metrics')).toMatch(/^temporal_worker_task_slots_available\{/m);
  expect(await text('/')).toContain('1 worker');

  await killed(worker);
  const since = Date.now();
  await eventually(
    async () => [await metric(), (await system.status())['workers']],
    ([workers]) => workers === 0,
    LATEST_MS,
    200,
  );
  const told = Date.now() - since;
  expect(await text('/')).toContain('0 workers');
  expect(await system.status()).toMatchObject({ ready: false, workers: 0, backfill: { state: 'running' } });
  process.stderr.write(`a killed worker was missed after ${(told / 1_000).toFixed(1)} s\n`);

  system.target.rules.length = 0;
  await system.startWorker();
  await eventually(metric, (workers) => workers === 1, 60_000, 200);
  await eventually(system.status, ({ ready, verified }) => ready === true && verified === 12, 120_000, 500);
});
