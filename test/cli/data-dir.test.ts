import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockDataDir, madeWebhookSecret, readRunning, takeDataDir, type DataDirLock } from '../../src/processes/cli/data-dir.ts';
import { identityOf, isRunning, ownIdentity } from '../../src/processes/cli/process-identity.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'twinport-test-')), 'data');
});
afterEach(async () => {
  await rm(join(dataDir, '..'), { recursive: true, force: true });
});

const taken = (lock: Awaited<ReturnType<typeof lockDataDir>>): DataDirLock => {
  if ('heldBy' in lock) throw new Error(`held by ${lock.heldBy}`);
  return lock;
};
const run: Parameters<DataDirLock['publish']>[0] = {
  command: 'up',
  url: 'http://127.0.0.1:1',
  token: 'secret',
  sites: [{ name: 'eu', fingerprint: 'f' }],
  servers: [],
};

/** The identity of a process that has ended. */
async function deadIdentity(): Promise<{ pid: number; startTime: string }> {
  const child = spawn('sleep', ['30']);
  const identity = await identityOf(child.pid ?? 0);
  expect(await isRunning(identity)).toBe(true);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  return identity;
}

describe('the lock', () => {
  it('is one process’s, and free again after it', async () => {
    const first = taken(await lockDataDir(dataDir));
    expect(await lockDataDir(dataDir)).toEqual({ heldBy: process.pid });
    await first.release();
    const second = taken(await lockDataDir(dataDir));
    // Released twice: it is another's by now.
    await first.release();
    expect(await lockDataDir(dataDir)).toEqual({ heldBy: process.pid });
    await second.release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it.each<[string, () => Promise<string>]>([
    ['a process that has ended', async () => JSON.stringify(await deadIdentity())],
    ['a process whose pid is another’s now', async () => JSON.stringify({ ...(await ownIdentity()), startTime: '1' })],
    ['nobody that can be told', async () => 'half a fi'],
  ])('of %s is taken over, by one of many', async (_who, content) => {
    const first = taken(await lockDataDir(dataDir));
    await writeFile(join(dataDir, 'lock'), await content());
    await first.release();
    const all = await Promise.all(Array.from({ length: 20 }, () => lockDataDir(dataDir)));
    expect(all.filter((lock) => !('heldBy' in lock))).toHaveLength(1);
    await taken(all.find((lock) => !('heldBy' in lock)) ?? { heldBy: 0 }).release();
    expect(await readdir(dataDir)).toEqual([]);
  });

  it('says what is wrong with a folder that cannot be used', async () => {
    await writeFile(join(dataDir, '..', 'file'), '');
    await expect(lockDataDir(join(dataDir, '..', 'file', 'data'))).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining('dataDir'),
    });
  });
});

describe('run.json', () => {
  it('is for its owner’s eyes, and gone after it', async () => {
    const lock = taken(await lockDataDir(dataDir));
    await lock.publish(run);
    expect((await stat(join(dataDir, 'run.json'))).mode & 0o777).toBe(0o600);
    expect(await readRunning(dataDir)).toEqual({ ...run, ...(await ownIdentity()) });
    await lock.release();
    expect(await readRunning(dataDir)).toBeUndefined();
  });

  it('is withdrawn before its process ends, which still holds the directory', async () => {
    const lock = taken(await lockDataDir(dataDir));
    await lock.publish(run);
    await lock.withdraw();
    expect(await readRunning(dataDir)).toBeUndefined();
    expect(await lockDataDir(dataDir)).toEqual({ heldBy: process.pid });
    await lock.release();
    const next = taken(await lockDataDir(dataDir));
    await next.publish(run);
    // It is another's by now.
    await lock.withdraw();
    expect(await readRunning(dataDir)).toMatchObject(run);
    await next.release();
  });

  it('of a dead process is not believed', async () => {
    const lock = taken(await lockDataDir(dataDir));
    await lock.publish(run);
    const written = JSON.parse(await readFile(join(dataDir, 'run.json'), 'utf8')) as object;
    await writeFile(join(dataDir, 'run.json'), JSON.stringify({ ...written, ...(await deadIdentity()) }));
    expect(await readRunning(dataDir)).toBeUndefined();
    await lock.release();
  });
});

describe('a directory that is held', () => {
  const patient = { serveMs: 60_000 };

  it('is waited for while its process starts, which is joined then', async () => {
    const lock = taken(await lockDataDir(dataDir));
    const waitedFor: number[] = [];
    const taking = takeDataDir(dataDir, { ...patient, onWait: (pid) => waitedFor.push(pid) });
    await sleep(300);
    await lock.publish(run);
    expect(await taking).toMatchObject({ running: { url: run.url, pid: process.pid } });
    expect(waitedFor).toEqual([process.pid]);
    expect(await takeDataDir(dataDir, patient)).toMatchObject({ running: { url: run.url } });
    await lock.release();
  });

  it('is waited for while its process ends, and taken then', async () => {
    const lock = taken(await lockDataDir(dataDir));
    await lock.publish(run);
    await lock.withdraw();
    const taking = takeDataDir(dataDir, patient);
    await sleep(300);
    await lock.release();
    const next = await taking;
    if ('running' in next) throw new Error('what has ended was joined');
    await next.release();
  });

  it('is not waited for longer than asked, nor once nobody wants it', async () => {
    const lock = taken(await lockDataDir(dataDir));
    await expect(takeDataDir(dataDir, { serveMs: 200 })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`(pid ${process.pid}) that does not serve`),
    });
    const interrupted = new AbortController();
    const taking = takeDataDir(dataDir, { ...patient, signal: interrupted.signal });
    await Promise.all([expect(taking).rejects.toThrow(), sleep(200).then(() => interrupted.abort())]);
    await lock.publish(run);
    // Also where it could be joined.
    await expect(takeDataDir(dataDir, { ...patient, signal: interrupted.signal })).rejects.toThrow();
    await lock.release();
    expect(await readdir(dataDir)).toEqual([]);
  });
});

it('the made webhook secret stays the same, and is what GitLab takes', async () => {
  await taken(await lockDataDir(dataDir)).release();
  const secret = await madeWebhookSecret(dataDir);
  expect(secret).toMatch(/^[A-Za-z][A-Za-z0-9]{31,}$/);
  expect(await madeWebhookSecret(dataDir)).toBe(secret);
  expect((await stat(join(dataDir, 'webhook-secret'))).mode & 0o777).toBe(0o600);
});
