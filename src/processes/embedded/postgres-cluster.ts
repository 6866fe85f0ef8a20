import { execFile } from 'node:child_process';
import { chown, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TwinportError } from '../../model/failure.ts';
import { asAccount, giveTo, type Account } from './postgres-account.ts';
import type { Binaries } from './postgres-binaries.ts';
import { startFailure } from './postgres-failure.ts';

const run = promisify(execFile);
const INITDB_MS = 120_000;
const DRAFT = '.new-';
const DRAFT_MS = 3_600_000;

/** The one role and database of an embedded server. */
export const ROLE = 'twinport';

/** The environment of the server's programs: none of ours, so that no PGDATA or LC_ALL of a person changes what they do. */
export function serverEnvironment(binaries: Binaries): Record<string, string> {
  const base = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return binaries.libraryPath === undefined ? base : { ...base, LD_LIBRARY_PATH: binaries.libraryPath };
}

/**
 * Makes the database's files at the first use; under another name until they are whole, so that a killed start leaves no half database.
 * @throws {TwinportError} LEDGER, CONFLICT (files of another PostgreSQL version)
 */
export async function ensureCluster(
  dataFolder: string,
  binaries: Binaries,
  account: Account | undefined,
  onSpawn?: () => void,
): Promise<void> {
  if (await exists(join(dataFolder, 'PG_VERSION'))) return adopt(dataFolder, account);
  await removeOldDrafts(dataFolder);
  const draft = await mkdtemp(`${dataFolder}${DRAFT}`);
  if (account !== undefined) await chown(draft, account.uid, account.gid);
  try {
    await initialize(draft, binaries, account, onSpawn);
    await rename(draft, dataFolder);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    // Another process was faster: PostgreSQL's own lock decides who gets it.
    if (await exists(join(dataFolder, 'PG_VERSION'))) return;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
    throw new TwinportError('CONFLICT', `${dataFolder} is there but holds no database; move it away, or name another dataDir`, { cause });
  }
}

/** What killed starts left, an hour ago or more. */
async function removeOldDrafts(dataFolder: string): Promise<void> {
  const folder = dirname(dataFolder);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(dataFolder)}${DRAFT}`)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > DRAFT_MS) await rm(path, { recursive: true, force: true });
  }
}

async function initialize(draft: string, binaries: Binaries, account: Account | undefined, onSpawn?: () => void): Promise<void> {
  const options = { ...asAccount(account), env: serverEnvironment(binaries), cwd: dirname(binaries.bin), timeout: INITDB_MS };
  const initdb = ['-D', draft, '-U', ROLE, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  try {
    const making = run(join(binaries.bin, 'initdb'), initdb, options);
    onSpawn?.();
    await making;
    const single = run(join(binaries.bin, 'postgres'), ['--single', '-D', draft, 'postgres'], options);
    single.child.stdin?.end(`create database ${ROLE};\n`);
    await single;
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw startFailure(
      `its files could not be made in ${dirname(draft)}: ${stderr?.trim().split('\n').slice(-3).join(' ') || message}`,
      cause,
    );
  }
}

/** A folder that was copied or restored by root is given back to the user who must own it. */
async function adopt(dataFolder: string, account: Account | undefined): Promise<void> {
  const owner = await stat(dataFolder);
  if (account !== undefined && owner.uid !== account.uid) return giveTo(account, dataFolder);
  const self = process.getuid?.();
  if (account === undefined && self !== undefined && owner.uid !== self) {
    throw new TwinportError(
      'CONFLICT',
      `${dataFolder} belongs to uid ${owner.uid} and we are uid ${self}; start as its owner, or name another dataDir`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
