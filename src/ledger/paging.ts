import { TwinportError } from '../model/failure.ts';

/** A page of a list; `next` asks for the one after it. */
export interface Page<T> {
  readonly items: T[];
  readonly next: string | null;
}

/** Reads where a page begins: the key of the last item before it. @throws {TwinportError} INVALID */
export function readCursor(cursor: string | undefined, length: number): string[] {
  if (cursor === undefined || cursor === '') return [];
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (isKey(key, length)) return key;
  } catch {
    // Not JSON: said below.
  }
  throw new TwinportError('INVALID', 'cursor: not one that a page gave as its "next"');
}

function isKey(value: unknown, length: number): value is string[] {
  return Array.isArray(value) && value.length === length && value.every((part) => typeof part === 'string' && !part.includes('\0'));
}

/** Makes a page of rows that were read one more than wanted. */
export function pageOf<R, T>(rows: readonly R[], limit: number, itemOf: (row: R) => T, keyOf: (row: R) => string[]): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: items.map(itemOf), next: more ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') : null };
}
