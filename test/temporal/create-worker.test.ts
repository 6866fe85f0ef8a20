import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testTemporal } from '../support/temporal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** In a process of its own, because Jest's `process` is not told of threads. Prints how many there were at each step. */
const program = (address: string, start: string): string => `
  import { Client, Connection } from '@temporalio/client';
  import { NativeConnection } from '@temporalio/worker';
  import { createWorker } from './dist/src/processes/worker/create-worker.js';
  let threads = 0;
  process.on('worker', () => (threads += 1));
  const seen = [];
  const connection = await NativeConnection.connect({ address: '${address}' });
  const client = new Client({ connection: await Connection.connect({ address: '${address}' }) });
  const taskQueue = 'queue ${start}';
  const options = { connection, taskQueue, workflowBundle: { codePath: './dist/workflow-bundle.js' } };
  const unused = await createWorker({ ...options, taskQueue: 'unused ${start}' }, '${start}');
  await unused.runUntil(async () => seen.push(threads));
  threads = 0;
  const worker = await createWorker(options, '${start}');
  seen.push(threads);
  await worker.runUntil(async () => {
    for (const workflowId of ['one', 'two']) {
      const pause = await client.workflow.start('pauseSite', { taskQueue, workflowId });
      await pause.signal('resume');
      await pause.result();
    }
  });
  seen.push(threads);
  await connection.close();
  console.log(JSON.stringify(seen));
  process.exit();`;

it.each([
  ['at once', [1, 1, 1]],
  ['with the first workflow', [0, 0, 1]],
])(
  'a thread that starts %s',
  async (start, threads) => {
    const { address } = await testTemporal();
    const code = program(address, start);
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual(threads);
  },
  60_000,
);
