import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { binariesFolder } from '../../src/processes/embedded/binaries.ts';

export { binariesFolder, findBinary, type Binary } from '../../src/processes/embedded/binaries.ts';

/** Where a program that only tests run lies: in the folder that `scripts/install-parts.mjs` fills, or on PATH; `undefined` if in neither. */
export function findPart(name: string): string | undefined {
  const folders = [binariesFolder(), ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find(mayRun);
}

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // look on
  }
}
