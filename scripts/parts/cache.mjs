import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where programs are kept; `src/processes/embedded/binaries.ts` looks for them here. */
export const cacheBin = join(process.env.TWINPORT_CACHE || join(root, '.cache'), 'bin');

/** A temporary folder that is gone after `use`. */
export async function inTemporaryFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'twinport-part-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts a program into the cache, whole or not at all, so that two installers at a time do no harm. */
export function keep(name, from) {
  placed(name, (path) => {
    copyFileSync(from, path);
    chmodSync(path, 0o755);
  });
}

/** Points the cache at a program of the system. */
export function link(name, to) {
  placed(name, (path) => symlinkSync(to, path));
}

function placed(name, write) {
  mkdirSync(cacheBin, { recursive: true });
  const half = join(cacheBin, `.${name}.${process.pid}`);
  rmSync(half, { force: true });
  write(half);
  renameSync(half, join(cacheBin, name));
}

/** The program of that name somewhere below a folder; scripts and pages of the same name are passed over. */
export function findFile(folder, name) {
  const paths = readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path)));
  const found = paths.find((path) => basename(path) === name && lstatSync(path).isFile() && isMachineCode(path));
  if (found === undefined) throw new Error(`the program ${name} is not in what was downloaded`);
  return found;
}

/** ELF, or Mach-O of 64 bits. */
function isMachineCode(path) {
  const magic = readFileSync(path).subarray(0, 4).toString('hex');
  return magic === '7f454c46' || magic === 'cffaedfe';
}

/** Takes a program out of the cache again. */
export function discard(name) {
  rmSync(join(cacheBin, name), { force: true });
}
