import { spawnSync } from 'node:child_process';
import { chown, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The unprivileged user that the server runs as when we are root, which PostgreSQL refuses. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const NAMES = ['postgres', 'nobody'];
const NOBODY: Account = { uid: 65534, gid: 65534 };

/**
 * Chooses whom to run the server as: the owner of the data if there is some, else `postgres`, `nobody` or uid 65534.
 * @returns `undefined` where we are not root: as ourselves
 */
export async function chooseAccount(dataFolder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(dataFolder).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const name of NAMES) {
    const fields = users
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
    if (uid > 0 && gid >= 0) return { uid, gid };
  }
  return NOBODY;
}

/** Says whether the account can enter a folder; tried, since modes alone do not tell (ACLs, mounts). */
export function canEnter(account: Account | undefined, folder: string): boolean {
  const tried = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...asAccount(account), stdio: 'ignore', env: {}, cwd: '/' });
  return tried.status === 0;
}

/** Options of `spawn` that make the child run as the account. */
export function asAccount(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/** Gives a folder and all below it to the account. */
export async function giveTo(account: Account | undefined, folder: string): Promise<void> {
  if (account === undefined) return;
  await chown(folder, account.uid, account.gid);
  for (const entry of await readdir(folder, { recursive: true })) await chown(join(folder, entry), account.uid, account.gid);
}
