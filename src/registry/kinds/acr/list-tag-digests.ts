import { z } from 'zod';
import { isDigest, type Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { metadataPages } from './metadata-list.ts';

const TAGS = z.looseObject({
  tags: z.array(z.looseObject({ name: z.string(), digest: z.string().refine(isDigest, { error: 'no digest' }) })).nullish(),
});

/**
 * All tags of a repository with their digests, up to 1,000 a request.
 * @returns `undefined` where the list is not to be had
 * @throws {RegistryError} as `metadataPages`
 */
export async function listTagDigests(
  session: Session,
  repository: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  let found: Map<string, Digest> | undefined;
  for await (const { tags } of metadataPages(session, repository, '_tags', TAGS, signal)) {
    found ??= new Map();
    for (const { name, digest } of tags ?? []) found.set(name, digest);
  }
  return found;
}
