import { spawn, type ChildProcess } from 'node:child_process';
import { chown, mkdtemp, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asAccount, type Account } from './postgres-account.ts';
import type { Binaries } from './postgres-binaries.ts';
import { serverEnvironment } from './postgres-cluster.ts';
import { startFailure } from './postgres-failure.ts';
import { isAlive, readPidFile } from './postgres-lock.ts';
import { WATCH_SCRIPT } from './postgres-watch.ts';

/** What is run, as whom, on which files. */
export interface ServerOptions {
  readonly dataFolder: string;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
  readonly settings: Readonly<Record<string, string>>;
  /** Told once the process is there, ready or not. */
  readonly onSpawn?: (() => void) | undefined;
}

/** A server that takes connections. */
export interface RunningServer {
  readonly pid: number;
  readonly socketFolder: string;
  readonly logFile: string;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Recovery after a crash takes as long as the work since the last checkpoint. */
const START_MS = 120_000;
const STOP_MS = 30_000;
const LOG_BYTES = 10 * 1024 * 1024;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  shared_buffers: '32MB',
  max_connections: '40',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  io_method: 'sync',
  jit: 'off',
  log_checkpoints: 'off',
  fsync: 'on',
};

/**
 * Runs the server below a watcher that ends it when we end.
 * @throws {TwinportError} LEDGER
 */
export async function runServer(options: ServerOptions): Promise<RunningServer> {
  const { dataFolder, account } = options;
  // Sockets' paths end at 107 bytes, and this folder is closed to others: the server need ask nobody for a password.
  const socketFolder = await mkdtemp('/tmp/twinport-pg-');
  if (account !== undefined) await chown(socketFolder, account.uid, account.gid);
  const logFile = join(dataFolder, 'server.log');
  const logStart = await prepareLog(logFile, account);
  await writeFile(`${dataFolder}.owner`, String(process.pid));
  const watcher = spawnWatcher(options, socketFolder, logFile);
  options.onSpawn?.();
  const ended = whenEnded(watcher);
  try {
    const pid = await untilReady(watcher, dataFolder, join(socketFolder, 'pid'));
    return { pid, socketFolder, logFile, ended, stop: () => stop(watcher, pid, ended) };
  } catch (error) {
    watcher.stdin?.destroy();
    await ended;
    const said = (await readFile(logFile).catch(() => Buffer.alloc(0))).subarray(logStart).toString().trim();
    throw startFailure(`${(error as Error).message}; ${said.split('\n').slice(-4).join(' | ') || 'it said nothing'} (${logFile})`, error);
  }
}

function spawnWatcher(options: ServerOptions, socketFolder: string, logFile: string): ChildProcess {
  const { dataFolder, binaries, account } = options;
  const settings = { ...SETTINGS, unix_socket_directories: socketFolder, ...options.settings };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = [join(binaries.bin, 'postgres'), '-D', dataFolder, ...flags];
  return spawn('/bin/sh', ['-c', WATCH_SCRIPT, 'twinport-postgres', socketFolder, logFile, ...server], {
    ...asAccount(account),
    // A session of its own: Ctrl-C in a terminal goes to our whole group, and the server must outlive our last writes.
    detached: true,
    cwd: dirname(binaries.bin),
    env: serverEnvironment(binaries),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** The server's user must be able to append; the file starts anew when it has grown large. */
async function prepareLog(logFile: string, account: Account | undefined): Promise<number> {
  await writeFile(logFile, '', { flag: 'a', mode: 0o600 });
  if (account !== undefined) await chown(logFile, account.uid, account.gid);
  const { size } = await stat(logFile);
  if (size <= LOG_BYTES) return size;
  await truncate(logFile);
  return 0;
}

function whenEnded(watcher: ChildProcess): Promise<void> {
  // A pipe that broke says no more than the exit does.
  watcher.stdin?.on('error', () => undefined);
  return new Promise((resolve) => {
    watcher.once('error', () => resolve());
    watcher.once('exit', () => {
      watcher.stdin?.destroy();
      resolve();
    });
  });
}

async function untilReady(watcher: ChildProcess, dataFolder: string, ownPid: string): Promise<number> {
  let failure: Error | undefined;
  watcher.once('error', (error) => (failure = error));
  const deadline = Date.now() + START_MS;
  const started = Date.now();
  while (Date.now() < deadline) {
    if (failure) throw failure;
    if (watcher.exitCode !== null || watcher.signalCode !== null)
      throw new Error(`it ended with code ${watcher.exitCode ?? watcher.signalCode}`);
    const file = await readPidFile(dataFolder);
    // Of two that start at once, only the one whose pid the file holds has the data.
    if (file?.ready === true && String(file.pid) === (await readFile(ownPid, 'utf8').catch(() => '')).trim()) return file.pid;
    await sleep(Date.now() - started < 2_000 ? 10 : 100);
  }
  throw new Error(`it was not ready after ${START_MS / 1000} s`);
}

async function stop(watcher: ChildProcess, pid: number, ended: Promise<void>): Promise<void> {
  if (watcher.exitCode === null && watcher.signalCode === null && isAlive(pid)) {
    process.kill(pid, 'SIGINT');
    const late = new AbortController();
    await Promise.race([ended, sleep(STOP_MS, undefined, { signal: late.signal, ref: false }).catch(() => undefined)]);
    late.abort();
  }
  watcher.stdin?.destroy();
  await ended;
}
