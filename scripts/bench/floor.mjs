import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { startTemporal } from '../../dist/src/processes/embedded/temporal.js';
import { connectTemporal } from '../../dist/src/processes/temporal/connect.js';
import { cpuOf } from './measure.mjs';
import { withEnds } from './system.mjs';

const WORKFLOWS = 300;
const AT_ONCE = 20;
/** About what an activity of a push is told. */
const INPUT = 'x'.repeat(500);

/**
 * What Temporal alone takes for workflows of five activities that do nothing, with the embedded server as `twinport up` has it: the floor
 * below which no push can be on this machine.
 * @returns `perSecond` with nothing else on the machine, and `cpuMs` a workflow, of the server and of a worker
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
    const worker = await Worker.create({ connection, taskQueue, workflowsPath, activities: { nothing: async (input) => input } });
    const running = worker.run();
    own.push(() => {
      worker.shutdown();
      return running;
    });
    const run = async (prefix, count) => {
      let next = 0;
      const lane = async () => {
        while (next < count) await client.workflow.execute('five', { taskQueue, workflowId: `${prefix}-${next++}`, args: [INPUT] });
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    };
    await run('warm', AT_ONCE);
    const before = (await cpuOf(temporal.pid)) + ownCpu();
    const began = performance.now();
    await run('floor', WORKFLOWS);
    const perSecond = WORKFLOWS / ((performance.now() - began) / 1000);
    return { perSecond, cpuMs: (((await cpuOf(temporal.pid)) + ownCpu() - before) / WORKFLOWS) * 1000 };
  });
}

/** Of this process, which is the worker, in seconds. */
function ownCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
