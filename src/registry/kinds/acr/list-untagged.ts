import { z } from 'zod';
import { isDigest, type Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { metadataPages } from './metadata-list.ts';

const MANIFESTS = z.looseObject({
  manifests: z
    .array(z.looseObject({ digest: z.string().refine(isDigest, { error: 'no digest' }), tags: z.array(z.string()).nullish() }))
    .nullish(),
});

/**
 * Manifests that no tag names; those of an index are among them.
 * @returns `undefined` where the list is not to be had
 * @throws {RegistryError} as `metadataPages`
 */
export async function listUntagged(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined> {
  let found: Digest[] | undefined;
  for await (const { manifests } of metadataPages(session, repository, '_manifests', MANIFESTS, signal)) {
    const untagged = (manifests ?? []).filter(({ tags }) => (tags ?? []).length === 0);
    found = [...(found ?? []), ...untagged.map(({ digest }) => digest)];
  }
  return found;
}
