import { readFileSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { formatPath, type KeyPath, type Problem } from './problems.ts';

/** What the values of a configuration are resolved with, and what is learned on the way. */
export interface Resolution {
  readonly env: NodeJS.ProcessEnv;
  /** Where relative paths start. */
  readonly folder: string;
  readonly problems: Problem[];
  /** Values that may not be shown, since they came from a variable or a file: by path, what to show instead. */
  readonly origins: Map<string, string>;
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Replaces each `${NAME}` by the environment's value and each `{ file: PATH }` by the file's text; collects what is missing. */
export function resolveValues(value: unknown, path: KeyPath, resolution: Resolution): unknown {
  if (typeof value === 'string') return fromEnvironment(value, path, resolution);
  if (Array.isArray(value)) return value.map((entry, at) => resolveValues(entry, [...path, at], resolution));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === 'file') return fromFile(entries[0][1], path, resolution);
  return Object.fromEntries(entries.map(([key, entry]) => [key, resolveValues(entry, [...path, key], resolution)]));
}

function fromEnvironment(text: string, path: KeyPath, { env, problems, origins }: Resolution): string {
  return text.replaceAll(VARIABLE, (whole, name: string) => {
    const value = env[name];
    origins.set(formatPath(path), `the value of \${${name}}`);
    if (value !== undefined && value !== '') return value;
    const state = value === undefined ? 'is not set' : 'is empty';
    problems.push({ path, found: whole, want: `the environment variable ${name} ${state}: set it, or write the value here` });
    return whole;
  });
}

function fromFile(file: unknown, path: KeyPath, resolution: Resolution): unknown {
  if (typeof file !== 'string' || file === '') {
    resolution.problems.push({ path: [...path, 'file'], want: 'a path is needed here, of the file that holds the value' });
    return undefined;
  }
  const name = fromEnvironment(file, [...path, 'file'], resolution);
  resolution.origins.set(formatPath(path), `the text of ${name}`);
  return readText(name, path, resolution)?.replace(/\r?\n$/, '');
}

/**
 * Reads a file that the configuration names.
 * @param file relative to the configuration file's folder
 * @returns `undefined` after noting why it cannot be read
 */
export function readText(file: string, path: KeyPath, { folder, problems }: Pick<Resolution, 'folder' | 'problems'>): string | undefined {
  const absolute = resolvePath(folder, file);
  try {
    return readFileSync(absolute, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    problems.push({
      path,
      found: JSON.stringify(file),
      want: `a readable file is needed; ${absolute} cannot be read (${code ?? 'unknown error'})`,
    });
    return undefined;
  }
}
