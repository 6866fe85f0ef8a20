import { z } from 'zod';
import { optionalText } from '../optional-text.ts';
import { changeOf, type Reading } from '../reading.ts';

const IMAGE = z.looseObject({ name: optionalText, reference: optionalText, digest: optionalText });

/** Reads what zot says of an image; `reference` is a tag, or the digest again. */
export function readZotImage(source: string, action: 'push' | 'delete', id: string, data: unknown): Reading {
  const read = IMAGE.safeParse(data);
  if (!read.success) return 'malformed';
  const { name, reference, digest } = read.data;
  return changeOf(source, { id, action, repository: name, tag: reference, digest });
}
