import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDir, readRunning, type DataDirLock } from '../../src/processes/cli/data-dir.ts';
import { followBackfill } from '../../src/processes/cli/sync/follow.ts';
import { hasEnded, joinedApi } from '../../src/processes/cli/sync/joined-api.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';

let folder: string;
let lock: DataDirLock;
let server: QuirkProxy;
let onRequest: () => Promise<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinport-test-'));
  const locked = await lockDataDir(folder);
  if ('heldBy' in locked) throw new Error(`held by ${locked.heldBy}`);
  lock = locked;
  onRequest = async () => undefined;
  const refused = JSON.stringify({ error: { code: 'INTERNAL', message: 'the ledger is closed' } });
  // It answers all by itself.
  server = await quirkProxy('http://127.0.0.1:1', {
    rules: [
      { method: 'GET', onRequest: () => onRequest(), answer: { status: 200, body: '{}' } },
      { method: 'POST', onRequest: () => onRequest(), answer: { status: 500, body: refused } },
    ],
  });
  await lock.publish({ command: 'sync', url: server.url, token: 'secret', sites: [], servers: [] });
});
afterEach(async () => {
  await lock.release();
  await rm(folder, { recursive: true, force: true });
});

async function joined() {
  const running = await readRunning(folder);
  if (!running) throw new Error('nothing was published');
  const gone = { ended: true, message: `sync (pid ${process.pid}) has ended, or is about to` };
  return { api: joinedApi(folder, running), gone };
}

/** What comes of a call, and whether it is that the other one has ended. */
async function outcome(call: Promise<unknown>): Promise<{ readonly ended: boolean; readonly message?: string }> {
  return call.then(
    () => ({ ended: false }),
    (error: Error) => ({ ended: hasEnded(error), message: error.message }),
  );
}

/** Another process, by its identity. */
async function rename(identity: object): Promise<void> {
  const path = join(folder, 'run.json');
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), ...identity }));
}

const start = '/sites/eu/backfill/start';

it('says what the other one says while it serves', async () => {
  const { api } = await joined();
  expect(await outcome(api.get('/sites/eu'))).toEqual({ ended: false });
  expect(await outcome(api.post(start))).toEqual({ ended: false, message: 'the ledger is closed' });
  await server.stop();
  expect(await outcome(api.get('/sites/eu'))).toMatchObject({ ended: false, message: expect.stringContaining('does not answer') });
});

it.each<[string, () => Promise<void>]>([
  ['is about to end', () => lock.withdraw()],
  ['was started again', () => rename({ startTime: '1' })],
  ['is another one now', () => rename({ pid: 1 })],
])('says that a process has ended which %s, whatever it answers, and begins nothing with it', async (_what, change) => {
  const { api, gone } = await joined();
  await change();
  expect(await outcome(api.get('/sites/eu'))).toEqual(gone);
  const before = server.count();
  expect(await outcome(api.post(start))).toEqual(gone);
  expect(server.count()).toBe(before);
  await server.stop();
  expect(await outcome(api.get('/sites/eu'))).toEqual(gone);
});

it.each(['get', 'post'] as const)('says so, too, where it withdraws while it answers to a %s', async (method) => {
  const { api, gone } = await joined();
  onRequest = () => lock.withdraw();
  expect(await outcome(api[method](start))).toEqual(gone);
});

it('looks again where a process was killed a moment ago', async () => {
  const { api, gone } = await joined();
  await server.stop();
  const asking = outcome(api.post(start));
  await lock.withdraw();
  expect(await asking).toEqual(gone);
});

it('ends the following of a backfill at once', async () => {
  const { api, gone } = await joined();
  await lock.withdraw();
  const display = { update: () => undefined, stop: () => undefined };
  expect(await outcome(followBackfill(api, 'eu', { display, signal: new AbortController().signal }))).toEqual(gone);
});
