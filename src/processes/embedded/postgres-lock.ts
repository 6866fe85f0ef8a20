import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { TwinportError } from '../../model/failure.ts';

/** What a running or a killed postmaster left in its data folder. */
interface PidFile {
  readonly pid: number;
  readonly ready: boolean;
}

/** A server whose owner was killed is gone within 5 s; one that stays belongs to somebody. */
const LEAVING_MS = 6_000;
/** An owner that was killed a moment ago may still be seen. */
const DYING_MS = 500;

/** Reads `postmaster.pid`; `undefined` where there is none. */
export async function readPidFile(dataFolder: string): Promise<PidFile | undefined> {
  const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const lines = text?.split('\n');
  const pid = Number(lines?.[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines?.[7]?.trim() === 'ready' } : undefined;
}

/**
 * Waits for the server of a killed process to end, and refuses where one stays. PostgreSQL guards its files itself; this says it
 * in words, and removes the file of a dead server whose pid another program has now, which PostgreSQL would take for its own.
 * @throws {TwinportError} CONFLICT
 */
export async function refuseSecondServer(dataFolder: string): Promise<void> {
  const started = Date.now();
  for (;;) {
    const file = await readPidFile(dataFolder);
    if (file === undefined || !isAlive(file.pid)) return;
    if (!(await isServerOf(file.pid, dataFolder))) {
      await rm(join(dataFolder, 'postmaster.pid'), { force: true });
      return;
    }
    const owner = await readOwner(dataFolder);
    // Our own server, whose watcher was killed, is on its way out like that of a dead owner.
    const owned = owner !== undefined && owner !== process.pid && isAlive(owner);
    if (Date.now() - started > (owned ? DYING_MS : LEAVING_MS)) {
      const who = owned ? `process ${owner} holds it with PostgreSQL ${file.pid}` : `PostgreSQL ${file.pid} runs on it`;
      throw new TwinportError('CONFLICT', `the ledger in ${dataFolder} is in use: ${who}; stop that one, or name another dataDir`);
    }
    await sleep(100);
  }
}

/** Says whether a process of this id is there, ours or not, and not a dead one that nobody has asked for. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It ended in between, or /proc tells nothing: then the signal's answer stands.
    return existsSync('/proc/self/stat') ? existsSync(`/proc/${pid}`) : true;
  }
}

async function isServerOf(pid: number, dataFolder: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  // Unreadable: PostgreSQL's own judgement stands.
  return command === undefined || command.split('\0').includes(dataFolder);
}

/** Who started the server: a process that is gone has left it to its watcher. */
async function readOwner(dataFolder: string): Promise<number | undefined> {
  const text = await readFile(`${dataFolder}.owner`, 'utf8').catch(() => undefined);
  const pid = Number(text);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
