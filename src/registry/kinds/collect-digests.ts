import { isDigest, type Digest } from '../../model/digest.ts';

/** A tag and what an API says that it stands for. */
export type TagDigest = readonly [tag: string, digest: string];

/** A page must tell so many digests that are asked for, on the average: else asking for each by HEAD is as quick. */
const WORTH = 4;

/**
 * Gathers the digests of tags from the pages of an API, for as long as that spares requests. A tag that the pages tell twice, with two digests (it
 * was moved in between), is left out.
 */
export async function collectDigests(wanted: ReadonlySet<string>, pages: AsyncIterable<Iterable<TagDigest>>): Promise<Map<string, Digest>> {
  const found = new Map<string, Digest>();
  const moved = new Set<string>();
  let read = 0;
  for await (const page of pages) {
    read += 1;
    for (const [tag, digest] of page) {
      if (!wanted.has(tag) || !isDigest(digest)) continue;
      if ((found.get(tag) ?? digest) !== digest) moved.add(tag);
      found.set(tag, digest);
    }
    if (found.size === wanted.size || (read - 1) * WORTH > found.size) break;
  }
  for (const tag of moved) found.delete(tag);
  return found;
}
