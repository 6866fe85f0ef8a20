import { z } from 'zod';
import { optionalText } from '../optional-text.ts';
import { changeOf, type Reading } from '../reading.ts';

const IMAGE = z.looseObject({ repository: optionalText, tag: optionalText, digest: optionalText });

/** Reads data of our own types, for whoever bridges a sender that we do not know: `{repository, tag?, digest?}`. */
export function readOwnImage(source: string, action: 'push' | 'delete', id: string, data: unknown): Reading {
  const read = IMAGE.safeParse(data);
  return read.success ? changeOf(source, { ...read.data, id, action }) : 'malformed';
}
