import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../dist/src/processes/embedded/free-port.js';
import { startPostgres } from '../../dist/src/processes/embedded/postgres.js';
import { startTemporal } from '../../dist/src/processes/embedded/temporal.js';
import { connectTemporal } from '../../dist/src/processes/temporal/connect.js';
import { root } from '../parts/cache.mjs';

export const SECRET = 'benchBenchBench1';
const TOKEN = 'benchBenchBench2';

/** Makes a folder that also the embedded PostgreSQL may pass, which runs as another user. */
export async function makeFolder(path) {
  await mkdir(path);
  await chmod(path, 0o711);
  return path;
}

/** Starts `twinport …`, and gives its process once it has printed what matches; `ends` gets what ends it. */
export async function startProgram(args, cwd, printed, ends) {
  const child = spawn(process.execPath, [join(root, 'dist/src/processes/cli/main.js'), ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  ends.push(stop);
  let said = '';
  await new Promise((resolve, reject) => {
    const read = (chunk) => {
      said = (said + chunk).slice(-20_000);
      if (printed.test(said)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`twinport ${args.join(' ')} ended with ${code}: ${said}`)));
  });
  return { pid: child.pid, stop };
}

/**
 * The whole of Twinport as in production, each part a process of its own: Temporal (the embedded server, its state in a file), PostgreSQL,
 * a starter; and workers, which `startWorker` adds.
 * @returns `pids` of the parts, a Temporal `client`, the ledger's `poolConfig`, and `api`, which asks the starter
 */
export async function startSystem({ dir, webhook, primary, secondary }, ends) {
  const temporal = await startTemporal({ dbFile: join(dir, 'temporal.db') });
  ends.push(() => temporal.stop(5_000));
  const postgres = await startPostgres({ dataDir: join(dir, 'ledger') });
  ends.push(() => postgres.stop());
  const port = webhook ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const config = {
    temporal: { address: temporal.address },
    ledger: { url: postgres.url },
    dataDir: join(dir, 'data'),
    control: { url, token: TOKEN },
    webhook: { listen: `127.0.0.1:${port}`, secret: SECRET },
  };
  const written = (name, { limits = {}, ...more }) => {
    const sites = { primary: { url: primary, limits }, secondaries: [{ name: 'eu', url: secondary, limits }] };
    return writeFile(join(dir, name), JSON.stringify({ ...config, ...sites, ...more }));
  };
  await written('starter.yaml', {});
  const starter = await startProgram(['starter', '-c', 'starter.yaml'], dir, /Dashboard: /, ends);
  const { client, close } = await connectTemporal({ address: temporal.address, namespace: 'default' });
  ends.push(close);
  return {
    ...{ url, client, poolConfig: postgres.poolConfig },
    pids: { starter: starter.pid, temporal: temporal.pid, postgres: postgres.pid },
    /** @param limits of requests and bytes, its own for each registry */
    async startWorker(limits) {
      const listen = `127.0.0.1:${await freePort()}`;
      await written(`${listen}.yaml`, { worker: { listen }, limits });
      const worker = await startProgram(['worker', '-c', `${listen}.yaml`, '--site', 'eu'], dir, /metrics: /, ends);
      return { ...worker, url: `http://${listen}` };
    },
    async api(path, body) {
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const asked = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, { headers, ...asked });
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
      return response.json();
    },
  };
}

/** A figure of a process's metrics, summed over the series whose labels match. */
export async function metricOf(url, name, labels) {
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && labels.test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Gives `work` a list of ends of its own; they are done after it, or with all others where that is earlier. */
export async function withEnds(ends, work) {
  const own = [];
  const endAll = async () => {
    for (const end of own.splice(0).reverse()) await end();
  };
  ends.push(endAll);
  try {
    return await work(own);
  } finally {
    await endAll();
    ends.splice(ends.indexOf(endAll), 1);
  }
}
