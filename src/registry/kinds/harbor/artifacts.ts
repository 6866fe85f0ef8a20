import { z } from 'zod';
import { isDigest, type Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { collectDigests, type TagDigest } from '../collect-digests.ts';
import { listingError } from '../listing-error.ts';
import { artifactsPath } from './names.ts';
import { harborPage } from './pages.ts';

const ARTIFACTS = z.array(z.looseObject({ digest: z.string(), tags: z.array(z.looseObject({ name: z.string() })).nullish() })).nullable();

const QUERY = { with_tag: 'true', with_label: 'false', with_scan_overview: 'false' };

/**
 * The digests of tags, 100 artifacts a request.
 * @throws {RegistryError} PROTOCOL, UNREACHABLE, …
 */
export async function knownDigests(
  session: Session,
  repository: string,
  tags: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest>> {
  return collectDigests(tags, pagesOf(session, repository, signal));
}

async function* pagesOf(session: Session, repository: string, signal?: AbortSignal): AsyncGenerator<TagDigest[]> {
  for (let number = 1; ; number += 1) {
    const query = { ...QUERY, q: 'tags=*' };
    const page = await harborPage(session, artifactsPath(repository), query, ARTIFACTS, number, signal);
    if (!page) return;
    yield page.items.flatMap(({ digest, tags }) => (tags ?? []).map(({ name }): TagDigest => [name, digest]));
    if (!page.more) return;
  }
}

/**
 * The artifacts without a tag, but for those that belong to an index or to another artifact.
 * @returns `undefined` where the API is closed to these credentials
 * @throws {RegistryError} LISTING, PROTOCOL, UNREACHABLE, …
 */
export async function listUntagged(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined> {
  const path = artifactsPath(repository);
  const found = new Set<Digest>();
  for (let number = 1; ; number += 1) {
    const page = await harborPage(session, path, { ...QUERY, q: 'tags=nil', sort: 'push_time' }, ARTIFACTS, number, signal);
    if (!page && number === 1) return undefined;
    const before = found.size;
    for (const { digest } of page?.items ?? []) if (isDigest(digest)) found.add(digest);
    if (page && !page.more) return [...found];
    if (found.size === before)
      throw listingError(session, path, `page ${number} tells nothing new, and is said not to be the last`, repository);
  }
}
