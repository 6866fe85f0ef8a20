import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../../config/environment.ts';
import { TwinportError } from '../../model/failure.ts';

/** The programs that are run but are no part of the package; `scripts/install-parts.mjs` installs them. */
export type Binary = 'temporal' | 'temporal-test-server' | 'docker-registry' | 'registry';

const BY_HAND: Readonly<Record<Binary, string>> = {
  temporal: 'install the Temporal CLI (https://docs.temporal.io/cli), or configure temporal.address and run a server of your own',
  'temporal-test-server': 'only tests need it',
  'docker-registry':
    "install Debian's package docker-registry, or put the `registry` of a CNCF Distribution 2.8 release on PATH by that name",
  registry: 'put the `registry` of a CNCF Distribution 3 release on PATH (https://github.com/distribution/distribution/releases)',
};

/** The folder that the install script fills: `$TWINPORT_CACHE/bin`, or `.cache/bin` in the project's folder. */
export function binariesFolder(): string {
  return join(environment().cache ?? join(projectFolder(), '.cache'), 'bin');
}

/**
 * Finds a program: in the folder that the install script fills, else on PATH.
 * @throws {TwinportError} CONFIG (it is in neither; the message says how to get it)
 */
export function findBinary(name: Binary): string {
  const found = [binariesFolder(), ...environment().path.split(delimiter)].map((folder) => join(folder, name)).find(isExecutable);
  if (found !== undefined) return found;
  throw new TwinportError(
    'CONFIG',
    `the program ${name} is neither in ${binariesFolder()} nor on PATH: run \`npm run demo\` or \`node scripts/install-parts.mjs ${name}\` in the project's folder, which install it; or ${BY_HAND[name]}`,
  );
}

function isExecutable(path: string): boolean {
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not ours to run: look on
  }
}

/** The folder with our package.json: this file lies at another depth once compiled. */
function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (folder !== dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'twinport') return folder;
    folder = dirname(folder);
  }
  return folder;
}
