import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TwinportError } from '../../model/failure.ts';
import { canEnter, type Account } from './postgres-account.ts';

/** Where a server's user may always go. */
const SHARED_ROOT = '/var/lib/twinport';
const ID_FILE = 'postgres-id';

/** Where the database lies. */
export interface Place {
  readonly home: string;
}

/**
 * Chooses the folder that holds the database: `dataDir`, or one below /var/lib/twinport where the server's user cannot enter it
 * (/root); that one is found by a random id kept in `dataDir`, so that removing `dataDir` still means a new ledger.
 * @throws {TwinportError} CONFIG
 */
export async function choosePlace(dataDir: string, account: Account | undefined): Promise<Place> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const id = await readId(dataDir);
    if (id === undefined && (await letIn(account, dataDir))) return { home: dataDir };
    return { home: await foreignHome(dataDir, id, account) };
  } catch (cause) {
    if ((cause as { name?: string }).name === 'TwinportError') throw cause;
    const message = `dataDir ${dataDir}: no folder for the embedded PostgreSQL could be made (${(cause as Error).message}); name a writable dataDir, or give ledger.url`;
    throw new TwinportError('CONFIG', message, { cause });
  }
}

/** `dataDir` itself may be closed to others, as long as they may pass through it; its files are not for them. */
async function letIn(account: Account | undefined, dataDir: string): Promise<boolean> {
  if (canEnter(account, dataDir)) return true;
  if (!canEnter(account, dirname(dataDir))) return false;
  const { mode } = await stat(dataDir);
  await chmod(dataDir, (mode & 0o7777) | 0o011);
  return canEnter(account, dataDir);
}

async function readId(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, ID_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const id = text?.trim();
  if (id === undefined) return undefined;
  // The id becomes a path below a shared folder: nothing but what we wrote may pass.
  if (/^[0-9a-f-]{36}$/.test(id)) return id;
  throw new TwinportError('CONFIG', `${join(dataDir, ID_FILE)} holds no id of a database; remove dataDir for a new ledger`);
}

async function foreignHome(dataDir: string, known: string | undefined, account: Account | undefined): Promise<string> {
  const id = known ?? randomUUID();
  const home = join(await sharedRoot(), id);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chmod(home, 0o700);
  if (account !== undefined) await chown(home, account.uid, account.gid);
  if (!canEnter(account, home)) {
    throw new TwinportError(
      'CONFIG',
      `neither dataDir ${dataDir} nor ${dirname(home)} can be entered by the user that PostgreSQL runs as (uid ${account?.uid})`,
    );
  }
  if (known === undefined) await writeFile(join(dataDir, ID_FILE), `${id}\n`, { mode: 0o600 });
  return home;
}

/** Removes what a throw-away `dataDir` has outside of itself; its server must have ended. */
export async function removeForeignData(dataDir: string): Promise<void> {
  const id = await readId(dataDir);
  if (id !== undefined) await rm(join(SHARED_ROOT, id), { recursive: true, force: true });
}

/** The folder for what cannot lie where it should; open to all whatever the umask, if it is we who make it. */
export async function sharedRoot(): Promise<string> {
  if ((await mkdir(SHARED_ROOT, { recursive: true })) !== undefined) await chmod(SHARED_ROOT, 0o755);
  return SHARED_ROOT;
}
