import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { unknownKey } from './check-section.ts';
import { configError, describeValue, type Problem } from './problems.ts';
import { ROOT_KEYS } from './schema/processes.ts';

/** The configuration file as it was written. */
export interface ReadFile {
  /** Absolute. */
  readonly file: string;
  readonly root: Readonly<Record<string, unknown>>;
}

const DEFAULT_FILE = 'twinport.yaml';

/**
 * Reads the configuration file.
 * @param wanted absent: `./twinport.yaml`, if it is there
 * @returns `undefined` if none was named and there is none
 * @throws {TwinportError} CONFIG (not readable, not YAML, unknown keys at the root)
 */
export function readConfigFile(wanted: string | undefined): ReadFile | undefined {
  const file = resolve(wanted ?? DEFAULT_FILE);
  if (wanted === undefined && !existsSync(file)) return undefined;
  const document = parseDocument(readSource(file), { prettyErrors: true, version: '1.2' });
  const broken: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    path: [],
    want: `this is not YAML: ${error.message.split('\n')[0] ?? ''}`,
  }));
  if (broken.length > 0) throw configError(file, broken);
  const root: unknown = document.toJS() ?? {};
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw configError(file, [{ path: [], found: describeValue(root), want: `a map with the keys ${ROOT_KEYS.join(', ')} is needed` }]);
  }
  const unknown = Object.keys(root).filter((key) => !(ROOT_KEYS as readonly string[]).includes(key));
  if (unknown.length > 0)
    throw configError(
      file,
      unknown.map((key) => unknownKey([key], key, ROOT_KEYS)),
    );
  return { file, root: root as Record<string, unknown> };
}

function readSource(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw configError(file, [
      {
        path: [],
        want:
          code === 'ENOENT' ? 'there is no such file: give the right path with -c' : `the file cannot be read (${code ?? String(error)})`,
      },
    ]);
  }
}
