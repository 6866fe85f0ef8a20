import { dirname, resolve } from 'node:path';
import { readCanary } from './canary.ts';
import { rootFromUrls, type UrlOptions } from './from-urls.ts';
import { configError, describeValue } from './problems.ts';
import { readConfigFile } from './read-file.ts';
import { readProcesses } from './read-processes.ts';
import { readRegistries } from './read-registries.ts';
import { needsRegistries, type Reading } from './reading.ts';
import { resolveValues, type Resolution } from './resolve.ts';
import { secretsOf } from './secrets.ts';
import type { Section, TwinportConfig } from './twinport-config.ts';

/** Where the configuration is, and which parts of it the process uses. */
export interface LoadOptions extends UrlOptions {
  /** Absent: `./twinport.yaml`, if it is there. */
  readonly file?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Only these are resolved: no variable or file of another section has to be there. */
  readonly sections: readonly Section[];
}

/**
 * Reads the configuration, from the file or from two URLs.
 * @throws {TwinportError} CONFIG: every problem of the sections that were asked for, each with its key's path, what was found, and what would be right
 */
export function loadConfig(options: LoadOptions): TwinportConfig {
  const { file, root } = readRoot(options);
  const folder = file === undefined ? process.cwd() : dirname(file);
  const resolution: Resolution = { env: options.env ?? process.env, folder, problems: [], origins: new Map() };
  const reading: Reading = { root, resolution, sections: options.sections };
  const config = {
    ...(file === undefined ? {} : { file }),
    dataDir: dataDirOf(reading),
    ...readProcesses(reading),
    ...readRegistries(reading),
    ...readCanary(reading),
  };
  if (resolution.problems.length > 0) throw configError(file ?? 'the command line', resolution.problems);
  return Object.defineProperty(config, 'redact', { value: secretsOf(config), enumerable: false }) as TwinportConfig;
}

function readRoot(options: LoadOptions): { file?: string; root: Readonly<Record<string, unknown>> } {
  const { primary: from, secondary: to, include, file } = options;
  if (from === undefined && to === undefined) {
    const read = readConfigFile(file);
    if ((include ?? []).length > 0)
      throw configError('the command line', [
        { path: [], want: '--include goes with --primary and --secondary; in a file, write repositories.include' },
      ]);
    if (!read && options.sections.some(needsRegistries)) {
      throw configError('the command line', [
        { path: [], want: 'there is no ./twinport.yaml: give a file with -c, or --primary URL and --secondary URL' },
      ]);
    }
    return read ?? { root: {} };
  }
  if (file !== undefined)
    throw configError('the command line', [{ path: [], want: 'either -c FILE, or --primary and --secondary, not both' }]);
  if (from === undefined || to === undefined)
    throw configError('the command line', [{ path: [], want: '--primary URL and --secondary URL are needed together' }]);
  return { root: rootFromUrls(options) };
}

function dataDirOf({ root, resolution }: Reading): string {
  const value = resolveValues(root['dataDir'] ?? '.twinport', ['dataDir'], resolution);
  if (typeof value === 'string' && value !== '') return resolve(resolution.folder, value);
  resolution.problems.push({ path: ['dataDir'], found: describeValue(value), want: 'the path of a folder is needed' });
  return resolution.folder;
}
