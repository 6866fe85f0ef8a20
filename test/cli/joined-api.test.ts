import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDir, readRunning, type DataDirLock } from '../../src/processes/cli/data-dir.ts';
import { hasEnded, joinedApi } from '../../src/processes/cli/sync/joined-api.ts';

let folder: string;
let lock: DataDirLock;
let server: Server;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinport-test-'));
  const locked = await lockDataDir(folder);
  if ('heldBy' in locked) throw new Error(`held by ${locked.heldBy}`);
  lock = locked;
  server = createServer((request, response) =>
    response
      .writeHead(request.method === 'GET' ? 200 : 500, { 'content-type': 'application/json' })
      .end(request.method === 'GET' ? '{}' : JSON.stringify({ error: { code: 'INTERNAL', message: 'the ledger is closed' } })),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await lock.publish({ command: 'sync', url, token: 'secret', sites: [], servers: [] });
});
afterEach(async () => {
  await closed();
  await lock.release();
  await rm(folder, { recursive: true, force: true });
});

async function closed(): Promise<void> {
  if (!server.listening) return;
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

/** What comes of a call, and whether it is that the other one has ended. */
async function outcome(call: Promise<unknown>): Promise<{ readonly ended: boolean; readonly message?: string }> {
  return call.then(
    () => ({ ended: false }),
    (error: Error) => ({ ended: hasEnded(error), message: error.message }),
  );
}

it('tells a process that is about to end from one that does not answer, or refuses', async () => {
  const running = await readRunning(folder);
  if (!running) throw new Error('nothing was published');
  const api = joinedApi(folder, running);
  expect(await outcome(api.get('/sites/eu'))).toEqual({ ended: false });
  expect(await outcome(api.post('/sites/eu/backfill/start'))).toEqual({ ended: false, message: 'the ledger is closed' });
  await lock.withdraw();
  const gone = { ended: true, message: `sync (pid ${process.pid}) has ended` };
  // While it closes, it may still answer, or refuse for that reason, or hear nothing: its process runs all the time.
  expect(await outcome(api.get('/sites/eu'))).toEqual({ ended: false });
  expect(await outcome(api.post('/sites/eu/backfill/start'))).toEqual(gone);
  await closed();
  expect(await outcome(api.get('/sites/eu'))).toEqual(gone);
  await lock.publish({ command: 'sync', url: running.url, token: running.token, sites: [], servers: [] });
  expect(await outcome(api.get('/sites/eu'))).toMatchObject({ ended: false, message: expect.stringContaining('does not answer') });
});
