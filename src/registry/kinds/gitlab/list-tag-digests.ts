import { z } from 'zod';
import { isDigest, type Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { listingError } from '../listing-error.ts';
import { markedPage } from './v1.ts';

const TAGS = z.array(z.looseObject({ name: z.string(), digest: z.string().refine(isDigest, { error: 'no digest' }) }));

/**
 * All tags of a repository with their digests, 1,000 a request.
 * @returns `undefined` where the registry has no metadata database, or does not know the repository
 * @throws {RegistryError} LISTING (pages in a circle, a repository that vanishes between two of them), DENIED, …
 */
export async function listTagDigests(
  session: Session,
  repository: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  const path = `repositories/${repository}/tags/list/`;
  const found = new Map<string, Digest>();
  let after: string | undefined;
  do {
    const page = await markedPage(session, { path, repository }, TAGS, after, signal);
    if (page === undefined || page === 'unknown') {
      if (after === undefined) return undefined;
      throw listingError(session, path, 'the repository vanished between two pages', repository);
    }
    const before = found.size;
    for (const { name, digest } of page.items) found.set(name, digest);
    if (page.last !== undefined && found.size === before) throw listingError(session, path, 'its pages lead in a circle', repository);
    after = page.last;
  } while (after !== undefined);
  return found;
}
