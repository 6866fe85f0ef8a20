import type { z } from 'zod';
import { describeValue, formatPath, isSecretPath, nearest, type KeyPath, type Problem } from './problems.ts';
import type { Resolution } from './resolve.ts';

/**
 * Holds a resolved value against its schema.
 * @returns the schema's output, or `undefined` after noting each problem
 */
export function checkSection<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: KeyPath,
  resolution: Resolution,
): z.output<S> | undefined {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) resolution.problems.push(...problemsOf(issue, path, resolution));
  return undefined;
}

function problemsOf(issue: z.core.$ZodIssue, base: KeyPath, resolution: Resolution): Problem[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], key, issue.message.split(', ')));
  }
  // What was already noted as missing needs no second line for what the gap looks like.
  if (resolution.problems.some((known) => path.every((key, at) => known.path[at] === key))) return [];
  return [{ path, found: describeFound(path, issue.input, resolution), want: issue.message }];
}

/** The problem with a key that is none of `known`. */
export function unknownKey(path: KeyPath, key: string, known: readonly string[]): Problem {
  const near = nearest(key, known);
  return { path, want: `there is no such key here${near === undefined ? '' : `: did you mean ${near}?`} (known: ${known.join(', ')})` };
}

/** What was found at a path, as an error may show it: no secret, and nothing that came from a variable or a file. */
export function describeFound(path: KeyPath, value: unknown, { origins }: Resolution): string {
  const origin = origins.get(formatPath(path));
  if (origin !== undefined) return `${origin} (not shown)`;
  if (isSecretPath(path) && typeof value !== 'object') return hidden(value);
  // Before it is shortened, and up to the last @: what is no URL may have a password with anything in it.
  return describeValue(typeof value === 'string' ? value.replace(/\/\/.*@/s, '//…@') : value);
}

function hidden(value: unknown): string {
  if (value === undefined) return 'nothing';
  return value === '' ? 'an empty text' : `a ${typeof value} (not shown)`;
}
