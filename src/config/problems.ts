import { TwinportError } from '../model/failure.ts';

/** A key's way from the file's root: `['secondaries', 0, 'url']`. */
export type KeyPath = readonly PropertyKey[];

/** One thing that does not fit. */
export interface Problem {
  readonly path: KeyPath;
  /** What was found there, without secrets; absent where nothing was to be found. */
  readonly found?: string;
  /** What would be right. */
  readonly want: string;
}

/** A key's path as people write it: `secondaries[0].limits.transfers`. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** The error that says all of it at once, so that nobody mends a file key by key. */
export function configError(source: string, problems: readonly Problem[]): TwinportError {
  // The first problem of a key is its cause: a missing variable is no URL either.
  const first = problems.filter(
    ({ path }, at) => path.length === 0 || problems.findIndex((other) => formatPath(other.path) === formatPath(path)) === at,
  );
  const lines = first.map(({ path, found, want }) => {
    const where = path.length === 0 ? '' : `${formatPath(path)}: `;
    return `  ${where}${found === undefined ? '' : `found ${found}; `}${want}`;
  });
  return new TwinportError('CONFIG', `${source} does not fit:\n${lines.join('\n')}`);
}

const SHOWN_CHARACTERS = 80;

/** A value as an error may show it. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a section (a map of keys)';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** True below keys that hold secrets, by their names. */
export function isSecretPath(path: KeyPath): boolean {
  return path.some((key) => typeof key === 'string' && /^(?:password|token|secrets?|clientSecret|apiKey|key)$/.test(key));
}

/** The known name that a mistyped one is nearest to, if any is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const scored = known.map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= Math.ceil(best.candidate.length / 3) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swapped = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
