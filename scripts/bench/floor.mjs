import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { startTemporal } from '../../dist/src/processes/embedded/temporal.js';
import { connectTemporal } from '../../dist/src/processes/temporal/connect.js';
import { cpuOf } from './measure.mjs';
import { withEnds } from './system.mjs';

const WORKFLOWS = 300;
const AT_ONCE = 20;
const ONE_BY_ONE = 100;
/** A push's fourth activity publishes it. */
const PUBLISHING = 4;
/** About what an activity of a push is told. */
const INPUT = 'x'.repeat(500);

/**
 * What Temporal alone takes for workflows of five activities that do nothing, with the embedded server as `twinport up` has it: the floor
 * below which no push can be on this machine.
 * @returns `perSecond` with nothing else on the machine, and `cpuMs` a workflow, of the server and of a worker; `fourthMs`: after what times the
 *   fourth activity begins where one workflow runs after the other
 */
export function measureFloor({ dir, ends }) {
  return withEnds(ends, async (own) => {
    const temporal = await startTemporal({ dbFile: join(dir, 'floor.db') });
    own.push(() => temporal.stop(5_000));
    const { client, close } = await connectTemporal({ address: temporal.address, namespace: 'default' });
    own.push(close);
    const connection = await NativeConnection.connect({ address: temporal.address });
    own.push(() => connection.close());
    const taskQueue = 'floor';
    const workflowsPath = fileURLToPath(new URL('floor-workflow.mjs', import.meta.url));
    const begun = [];
    const nothing = async (input) => {
      begun.push(performance.now());
      return input;
    };
    const worker = await Worker.create({ connection, taskQueue, workflowsPath, activities: { nothing } });
    const running = worker.run();
    own.push(() => {
      worker.shutdown();
      return running;
    });
    const one = (workflowId) => client.workflow.execute('five', { taskQueue, workflowId, args: [INPUT] });
    const run = async (prefix, count) => {
      let next = 0;
      const lane = async () => {
        while (next < count) await one(`${prefix}-${next++}`);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    };
    await run('warm', AT_ONCE);
    const fourthMs = [];
    for (let at = 0; at < ONE_BY_ONE; at++) {
      begun.length = 0;
      const started = performance.now();
      await one(`alone-${at}`);
      fourthMs.push(begun[PUBLISHING - 1] - started);
      await sleep(50);
    }
    const before = (await cpuOf(temporal.pid)) + ownCpu();
    const began = performance.now();
    await run('floor', WORKFLOWS);
    const perSecond = WORKFLOWS / ((performance.now() - began) / 1000);
    return { perSecond, fourthMs, cpuMs: (((await cpuOf(temporal.pid)) + ownCpu() - before) / WORKFLOWS) * 1000 };
  });
}

/** Of this process, which is the worker, in seconds. */
function ownCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
