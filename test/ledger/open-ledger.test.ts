import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { inboxDepth, openLedger, registerSites, siteStatus, type Ledger } from '../../src/ledger/index.ts';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';
import { eventually } from '../support/eventually.ts';

const PASSWORD = 'p@ss/w:rd';
let folder: string;
let server: EmbeddedPostgres;
let port: number;
let admin: Ledger;

/** A server like a foreign one: over TCP, with a password; or the one that the environment names. */
beforeAll(async () => {
  folder = await mkdtemp('/tmp/twinport-test-');
  await chmod(folder, 0o755);
  const hba = join(folder, 'pg_hba.conf');
  await writeFile(hba, 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n', { mode: 0o644 });
  port = await freePort();
  server = await startPostgres({
    dataDir: join(folder, 'data'),
    settings: { listen_addresses: '127.0.0.1', port: String(port), hba_file: hba },
  });
  admin = await openLedger({ ...server.poolConfig, port });
  await sql.raw(`alter role twinport password '${PASSWORD}'`).execute(admin.db);
});
afterAll(async () => {
  await admin.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const urlOf = (database: string, password = PASSWORD) =>
  `postgresql://twinport:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
async function database(name: string): Promise<string> {
  await sql.raw(`create database ${name}`).execute(admin.db);
  return urlOf(name);
}

describe('openLedger', () => {
  it('makes the tables once, whoever comes first, and keeps the id', async () => {
    const url = await database('at_once');
    const ledgers = await Promise.all(Array.from({ length: 5 }, () => openLedger(url)));
    expect(new Set(ledgers.map(({ id }) => id)).size).toBe(1);
    expect(ledgers[0]?.id).toMatch(/^[0-9a-f-]{36}$/);
    await registerSites(ledgers[0] as Ledger, [{ name: 'eu', fingerprint: 'f' }], { reset: false });
    await Promise.all(ledgers.map((ledger) => ledger.close()));
    const again = await openLedger(url);
    expect(again.id).toBe(ledgers[0]?.id);
    expect((await siteStatus(again)).map(({ name }) => name)).toEqual(['eu']);
    await again.close();
  });

  it('works on a ledger that a newer release has added to', async () => {
    const url = await database('newer');
    const first = await openLedger(url);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', 'x')`.execute(first.db);
    await sql`alter table images add column later text`.execute(first.db);
    await first.close();
    const second = await openLedger(url);
    expect(second.id).toBe(first.id);
    await second.close();
  });

  it('works on the server that the environment names', async () => {
    const url = process.env['TWINPORT_TEST_POSTGRES_URL'] ?? (await database('named'));
    const ledger = await openLedger(url);
    expect(await inboxDepth(ledger)).toBeGreaterThanOrEqual(0);
    await ledger.close();
  });

  it('says what is wrong, without the password', async () => {
    const wrong = openLedger(urlOf('twinport', 'secret-and-wrong'));
    await expect(wrong).rejects.toMatchObject({
      code: 'LEDGER',
      message: expect.stringMatching(/password.*check the password in ledger.url/),
    });
    await expect(wrong).rejects.toMatchObject({ message: expect.not.stringContaining('secret-and-wrong') });
    await expect(openLedger(urlOf('nowhere'))).rejects.toMatchObject({
      code: 'LEDGER',
      message: expect.stringContaining('create the database'),
    });
    for (const url of ['mysql://user:secret@host/db', 'postgres://user:secret@host:port/db', 'secret']) {
      await expect(openLedger(url)).rejects.toMatchObject({ code: 'CONFIG', message: expect.not.stringContaining('secret') });
    }
    const denied = await database('denied');
    await sql.raw(`create role guest login password 'guest'`).execute(admin.db);
    const guest = openLedger(denied.replace(/twinport:[^@]*@/, 'guest:guest@'));
    await expect(guest).rejects.toMatchObject({ code: 'LEDGER', message: expect.stringContaining('let the user') });
  });

  it('says within seconds that nobody answers', async () => {
    const started = Date.now();
    const free = await freePort();
    await expect(openLedger(`postgresql://x@127.0.0.1:${free}/x`)).rejects.toMatchObject({
      code: 'LEDGER',
      retry: 'now',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(Date.now() - started).toBeLessThan(10_000);
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    await expect(openLedger(`postgresql://x@127.0.0.1:${(mute.address() as AddressInfo).port}/x`)).rejects.toMatchObject({
      code: 'LEDGER',
    });
    expect(Date.now() - started).toBeLessThan(20_000);
    for (const socket of sockets) socket.destroy();
    await close(mute);
  });

  it('says so when the server falls silent, and goes on when it answers again', async () => {
    const ledger = await openLedger(await database('silent'));
    await inboxDepth(ledger);
    const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity where datname = 'silent'`.execute(admin.db);
    const backends = [server.pid, ...rows.map(({ pid }) => pid)];
    const started = Date.now();
    try {
      for (const pid of backends) process.kill(pid, 'SIGSTOP');
      await expect(inboxDepth(ledger)).rejects.toMatchObject({ code: 'LEDGER', retry: 'now' });
      expect(Date.now() - started).toBeLessThan(12_000);
    } finally {
      for (const pid of backends) process.kill(pid, 'SIGCONT');
    }
    expect(await inboxDepth(ledger)).toBe(0);
    await ledger.close();
  });

  it('survives a restart of the server', async () => {
    const ledger = await openLedger(await database('restarted'));
    await inboxDepth(ledger);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'restarted'`.execute(admin.db);
    // The pool may hear of it a moment later, and by whoever asks first.
    const failures: unknown[] = [];
    await eventually(
      () => inboxDepth(ledger).catch((thrown: unknown) => void failures.push(thrown)),
      (depth) => depth === 0,
    );
    expect(failures.slice(1)).toEqual([]);
    for (const failure of failures) expect(failure).toMatchObject({ code: 'LEDGER', retry: 'now' });
    await ledger.close();
  });
});

function close(listening: Server): Promise<unknown> {
  return new Promise((resolve) => listening.close(resolve));
}
