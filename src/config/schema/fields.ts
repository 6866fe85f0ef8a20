import { z } from 'zod';
import { nearest } from '../problems.ts';
import { parseDuration, parseSize } from '../units.ts';

/*
 * In these schemas an issue's message says what would be right; the reader of the issues adds what was found.
 */

/** A section with these keys and no others. */
export function section<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    // For unknown keys the message is the list of the known ones; who reads the issue finds the nearest.
    error: (issue) => (issue.code === 'unrecognized_keys' ? known.join(', ') : `a section with the keys ${known.join(', ')} is needed`),
  });
}

/** A text that is not empty. */
export function text(what = 'a text'): z.ZodString {
  const want = `${what} is needed`;
  return z
    .string({
      error: (issue) => (typeof issue.input === 'number' || typeof issue.input === 'boolean' ? `${want}: put it in quotes` : want),
    })
    .min(1, want);
}

/** A text that `parse` understands. */
export function parsed<T>(parse: (value: unknown) => T | undefined, want: string) {
  return z.unknown().transform((value, context): T => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: want, input: value });
    return z.NEVER;
  });
}

/** Milliseconds. */
export const duration = (min = 0) =>
  parsed(
    (value) => {
      const ms = parseDuration(value);
      return ms === undefined || ms < min ? undefined : ms;
    },
    `a duration${min === 0 ? '' : ` of at least ${min / 1000}s`} is needed, such as 30s, 10m, 24h or 7d`,
  );

/** Bytes. */
export const size = parsed((value) => {
  const bytes = parseSize(value);
  return bytes === undefined || bytes < 1 ? undefined : bytes;
}, 'a size is needed, such as 50MiB');

/** A whole number; a numeral from the environment will do. */
export const whole = (min: number, max: number) =>
  parsed((value) => {
    const n = typeof value === 'number' ? value : typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : NaN;
    return Number.isSafeInteger(n) && n >= min && n <= max ? n : undefined;
  }, `a whole number from ${min} to ${max} is needed`);

/** `host:port`, where port 0 stands for any free one. */
export const listenAddress = parsed((value) => {
  const port = typeof value === 'string' ? /^(?:\[[0-9a-fA-F:]+\]|[^:[\]\s/]+):(\d{1,5})$/.exec(value)?.[1] : undefined;
  return port !== undefined && Number(port) <= 65_535 ? (value as string) : undefined;
}, 'host:port is needed, such as 127.0.0.1:8080');

/** A choice. */
export function choice<const T extends string>(words: readonly T[]) {
  const list = words.join(' | ');
  return z.enum(words as readonly [T, ...T[]], { error: (issue) => `one of ${list} is needed${suggestion(String(issue.input), words)}` });
}

function suggestion(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === undefined ? '' : `: did you mean ${near}?`;
}
