import { afterAll, afterEach } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

/** The program as it is built: these tests run it as people do. */
const MAIN = fileURLToPath(new URL('../../dist/src/processes/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout, parsed. */
  readonly json: Record<string, unknown>;
}

export interface RunningTwinport {
  readonly pid: number;
  readonly output: () => string;
  readonly ended: Promise<Ended>;
  /** Waits until something that matches was printed, on either stream. */
  waitFor(pattern: RegExp, ms?: number): Promise<RegExpMatchArray>;
  kill(signal: NodeJS.Signals): void;
}

const running: ChildProcess[] = [];
const folders: string[] = [];

let kept = false;

/** For a file whose tests share what runs: all of it ends after the last of them, not after each. */
export function keepRunning(): void {
  kept = true;
}

afterEach(() => (kept ? undefined : endAll()));
afterAll(endAll);

async function endAll(): Promise<void> {
  await Promise.all(running.splice(0).map(end));
  for (const folder of folders.splice(0)) await removeWhenFree(folder);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const gone = await Promise.race([new Promise((done) => child.once('exit', () => done(true))), sleep(15_000, false, { ref: false })]);
  if (!gone) child.kill('SIGKILL');
}

/** A working folder of its own, with a config if given; removed after the test. */
export async function workFolder(config?: string): Promise<string> {
  if (!existsSync(MAIN)) throw new Error('the program is not built: npm run build');
  const folder = await mkdtemp(join(tmpdir(), 'twinport-test-'));
  // The embedded ledger's server runs as another user where we are root: let it pass.
  await chmod(folder, 0o711);
  folders.push(folder);
  if (config !== undefined) await writeFile(join(folder, 'twinport.yaml'), config);
  return folder;
}

/** Starts `twinport …`; it is ended after the test if it still runs. */
export function startTwinport(args: readonly string[], cwd: string, env: Record<string, string> = {}): RunningTwinport {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr, json: lastJson(stdout) }));
  });
  return {
    pid: child.pid ?? 0,
    output: () => `${stdout}\n${stderr}`,
    ended,
    kill: (signal) => void child.kill(signal),
    async waitFor(pattern, ms = 60_000) {
      for (const until = Date.now() + ms; ; await sleep(50)) {
        const found = `${stdout}\n${stderr}`.match(pattern);
        if (found) return found;
        if (child.exitCode !== null || Date.now() > until) throw new Error(`${String(pattern)} was not printed:\n${stdout}\n${stderr}`);
      }
    },
  };
}

/** Runs `twinport …` to its end. */
export function twinport(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  return startTwinport(args, cwd, env).ended;
}

/** What a process holds in memory, in bytes; `undefined` if it does not run. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Processes that work for this folder, whoever started them. */
export async function processesOf(folder: string): Promise<string[]> {
  const { execFile } = await import('node:child_process');
  const listing = await new Promise<string>((resolve) => execFile('ps', ['-eo', 'pid,args'], (_error, out) => resolve(out)));
  return listing.split('\n').filter((line) => line.includes(folder) && !line.includes('ps -eo'));
}

/** `run.json` of a running system: where its API is, and the token. */
export async function runFile(folder: string): Promise<{ url: string; token: string }> {
  return JSON.parse(await readFile(join(folder, '.twinport', 'run.json'), 'utf8')) as { url: string; token: string };
}

function lastJson(stdout: string): Record<string, unknown> {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function removeWhenFree(folder: string): Promise<void> {
  // Embedded servers of a killed process take up to 5 s to end.
  await eventually(
    () => processesOf(folder),
    (left) => left.length === 0,
    10_000,
    200,
  ).catch(() => undefined);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
