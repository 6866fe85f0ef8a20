import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { failureOf, TwinportError } from '../../model/failure.ts';
import { isRunning, ownIdentity } from './process-identity.ts';

const IDENTITY = z.object({ pid: z.number().int().positive(), startTime: z.string() });
const RUN = z.object({
  ...IDENTITY.shape,
  command: z.enum(['sync', 'up', 'starter']),
  url: z.string(),
  token: z.string(),
  webUi: z.string().optional(),
  sites: z.array(z.object({ name: z.string(), fingerprint: z.string() })),
  servers: z.array(z.object({ name: z.string(), ...IDENTITY.shape })),
});

/** What `run.json` says about the process that owns a data directory. */
export type RunFile = z.infer<typeof RUN>;

/** A data directory that is ours until it is released. */
export interface DataDirLock {
  readonly dataDir: string;
  /** Tells others where we serve; only we and our user may read it. */
  publish(run: Omit<RunFile, 'pid' | 'startTime'>): Promise<void>;
  /** Takes that back, before what serves ends: nobody is to begin something with a process that is on its way out. */
  withdraw(): Promise<void>;
  release(): Promise<void>;
}

const LOCK = 'lock';
const RUN_JSON = 'run.json';
const WEBHOOK_SECRET = 'webhook-secret';
const ATTEMPTS = 10;

/**
 * Takes a data directory, making it if need be.
 * @returns the lock, or who holds it; what a dead process left is taken over
 * @throws {TwinportError} CONFIG (it cannot be written)
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock | { readonly heldBy: number }> {
  const path = join(dataDir, LOCK);
  const own = await ownIdentity();
  // Unique, for an old lock of ours and a new one must not look alike.
  const mine = `${JSON.stringify({ ...own, key: randomBytes(8).toString('hex') })}\n`;
  const draft = join(dataDir, `.${LOCK}-${own.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(draft, mine, { mode: 0o600 });
  } catch (cause) {
    throw new TwinportError(
      'CONFIG',
      `the data directory ${dataDir} cannot be used (${failureOf(cause).message}); set dataDir to a folder that you may write to`,
      { cause },
    );
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await linked(draft, path)) return ownedLock(dataDir, mine, own);
      const found = await readFile(path, 'utf8').catch(() => undefined);
      const holder = found === undefined ? undefined : parse(IDENTITY, found);
      if (holder && (await isRunning(holder))) return { heldBy: holder.pid };
      if (found !== undefined) await removeStale(dataDir, path, found);
      await sleep(10);
    }
    throw new TwinportError('CONFLICT', `the data directory ${dataDir} is fought over by other processes; try again`);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The process that owns the data directory and serves (which one that is about to end does no more), or `undefined`; what a dead one left is not believed. */
export async function readRunning(dataDir: string): Promise<RunFile | undefined> {
  const text = await readFile(join(dataDir, RUN_JSON), 'utf8').catch(() => undefined);
  const run = text === undefined ? undefined : parse(RUN, text);
  return run && (await isRunning(run)) ? run : undefined;
}

/** How a data directory is waited for. */
export interface TakeOptions {
  /** How long one process may hold it and not serve: it starts, or ends. */
  readonly serveMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Told of each process that is waited for. */
  onWait?(heldBy: number): void;
}

/**
 * Takes a data directory, or finds the process that serves on it. One that starts is waited for, and so is one that ends.
 * @throws {TwinportError} CONFLICT (a process holds it and does not serve), CONFIG (it cannot be written); the signal's reason
 */
export async function takeDataDir(dataDir: string, options: TakeOptions): Promise<DataDirLock | { readonly running: RunFile }> {
  const { serveMs, signal, onWait } = options;
  let waitedFor: number | undefined;
  let deadline = 0;
  for (;;) {
    signal?.throwIfAborted();
    const lock = await lockDataDir(dataDir);
    if (!('heldBy' in lock)) return lock;
    const { heldBy } = lock;
    const running = await readRunning(dataDir);
    if (running?.pid === heldBy) return { running };
    if (heldBy !== waitedFor) {
      waitedFor = heldBy;
      deadline = Date.now() + serveMs;
      onWait?.(heldBy);
    }
    if (Date.now() >= deadline)
      throw new TwinportError(
        'CONFLICT',
        `${dataDir} is held by another process (pid ${heldBy}) that does not serve; wait for its end, or set another dataDir`,
      );
    await sleep(100, undefined, signal ? { signal } : {});
  }
}

/** The webhook secret that was made here; it stays the same, for registries are configured with it. */
export async function madeWebhookSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, WEBHOOK_SECRET);
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  // Letters and digits, beginning with a letter: GitLab and YAML take it as it is.
  const made = `t${randomBytes(24).toString('hex')}`;
  await writeAtomically(path, `${made}\n`);
  return made;
}

/** A new token for the API: 256 bits. */
export function makeToken(): string {
  return randomBytes(32).toString('base64url');
}

function ownedLock(dataDir: string, mine: string, own: { pid: number; startTime: string }): DataDirLock {
  const path = join(dataDir, LOCK);
  const isMine = async () => (await readFile(path, 'utf8').catch(() => '')) === mine;
  return {
    dataDir,
    publish: (run) => writeAtomically(join(dataDir, RUN_JSON), `${JSON.stringify({ ...own, ...run }, null, 2)}\n`),
    async withdraw() {
      if (await isMine()) await rm(join(dataDir, RUN_JSON), { force: true });
    },
    async release() {
      if (!(await isMine())) return;
      await rm(join(dataDir, RUN_JSON), { force: true });
      await rm(path, { force: true });
    },
  };
}

/** Like O_EXCL, but the file appears with its content: nobody reads half a lock. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a dead process's lock away; if a living one was faster and it is its lock that we hold then, it gets it back. */
async function removeStale(dataDir: string, path: string, stale: string): Promise<void> {
  const aside = join(dataDir, `.${LOCK}-stale-${randomBytes(8).toString('hex')}`);
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== stale) await linked(aside, path);
  await unlink(aside);
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}

function parse<T extends z.ZodType>(schema: T, text: string): z.output<T> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
