import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../parts/cache.mjs';
import { foreground } from './foreground.mjs';

const SOURCES = [
  'src',
  'workflows',
  'activities',
  'dashboard',
  'scripts/build.mjs',
  'scripts/build',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];
/** Its output is progress: standard output belongs to the command that follows. */
const TO_STDERR = ['ignore', 2, 2];

/** Installs the node modules if they are not those of package-lock.json. */
export async function ensureModules() {
  if (modulesFit()) return;
  process.stderr.write('installing the node modules …\n');
  // No package that we use needs its install script, and what does not run cannot fail or download.
  const code = await foreground('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: TO_STDERR });
  if (code !== 0) throw new Error(`npm ci ended with ${code}: see above; by hand: npm ci --ignore-scripts`);
}

/** Compiles, unless dist is newer than every source. */
export async function ensureBuild() {
  if (buildFits()) return;
  process.stderr.write('building …\n');
  const code = await foreground(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: TO_STDERR });
  if (code !== 0) throw new Error(`the build ended with ${code}: see above`);
}

/** npm keeps a copy of what it installed; times say nothing, since git sets them anew. */
function modulesFit() {
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (!installed || !wanted) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const there = installed[path];
    return path === '' || (there ? there.version === version : optional === true);
  });
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

function buildFits() {
  const stamp = join(root, 'dist/.built');
  if (!existsSync(stamp)) return false;
  const built = statSync(stamp).mtimeMs;
  return SOURCES.flatMap((source) => filesOf(join(root, source))).every((file) => statSync(file).mtimeMs <= built);
}

/** Files and folders: a deleted file shows in its folder's time. */
function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  return [path, ...readdirSync(path, { recursive: true }).map((entry) => join(path, String(entry)))];
}
