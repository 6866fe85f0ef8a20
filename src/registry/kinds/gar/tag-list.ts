import { z } from 'zod';
import { isDigest, type Digest } from '../../../model/digest.ts';
import { readJson } from '../../call-json.ts';
import { nextQuery } from '../../links.ts';
import type { Session } from '../../session.ts';
import type { RegistryRequest } from '../../transport/request.ts';
import { listingError } from '../listing-error.ts';

const TAGS = z.looseObject({
  manifest: z.record(z.string(), z.looseObject({ tag: z.array(z.string()).nullish() })).optional(),
  tags: z.array(z.string()).nullish(),
});

interface TagList {
  readonly digests: Map<string, Digest>;
  readonly untagged: Digest[];
}

/**
 * All tags of an image with their digests, in one request as a rule.
 * @returns `undefined` where the list tells no digests, or not all
 * @throws {RegistryError} LISTING, PROTOCOL, DENIED, UNREACHABLE, …
 */
export async function listTagDigests(
  session: Session,
  repository: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  return (await readTagList(session, repository, signal))?.digests;
}

/**
 * Manifests that no tag names; those of an index are among them.
 * @returns `undefined` where the list does not tell
 * @throws {RegistryError} as `listTagDigests`
 */
export async function listUntagged(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined> {
  return (await readTagList(session, repository, signal))?.untagged;
}

/** Google's list of tags tells of all manifests too, each with its tags. @see https://github.com/google/go-containerregistry/blob/main/pkg/v1/google/list.go */
async function readTagList(session: Session, repository: string, signal?: AbortSignal): Promise<TagList | undefined> {
  const digests = new Map<string, Digest>();
  const untagged = new Set<Digest>();
  const named = new Set<string>();
  const cursors = new Set<string>();
  for (let query: URLSearchParams | undefined = new URLSearchParams(); query !== undefined;) {
    const request: RegistryRequest = { method: 'GET', repository, path: 'tags/list', query, scope: 'pull', signal, accept: [200, 404] };
    const response = await session.send(request);
    if (response.status === 404) return undefined;
    const { manifest, tags } = readJson(session, request, response, TAGS).body;
    if (!manifest) return undefined;
    for (const tag of tags ?? []) named.add(tag);
    for (const [digest, { tag }] of Object.entries(manifest)) {
      if (!isDigest(digest)) return undefined;
      for (const name of tag ?? []) digests.set(name, digest);
      if ((tag ?? []).length === 0) untagged.add(digest);
    }
    query = nextQuery(session, request, response);
    if (query && cursors.has(query.toString())) throw listingError(session, 'tags/list', 'its pages lead in a circle', repository);
    cursors.add(query?.toString() ?? '');
  }
  // A tag without a digest would be taken for one that is gone.
  return [...named].every((tag) => digests.has(tag)) ? { digests, untagged: [...untagged] } : undefined;
}
