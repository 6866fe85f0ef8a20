import { z } from 'zod';
import { isDigest, type Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { collectDigests, type TagDigest } from '../collect-digests.ts';
import { listingError } from '../listing-error.ts';
import { githubPage, hasToken, packageOf } from './github.ts';

/** A version of a package is a manifest: its name is the digest. */
const VERSIONS = z.array(
  z.looseObject({
    id: z.number(),
    name: z.string(),
    metadata: z.looseObject({ container: z.looseObject({ tags: z.array(z.string()) }) }),
  }),
);

/** A manifest as GitHub tells it. */
export interface Version {
  readonly id: number;
  readonly digest: string;
  readonly tags: readonly string[];
}

/** The path of a package's versions, below its owner. */
export function versionsPath(name: string): string {
  return `packages/container/${encodeURIComponent(name)}/versions`;
}

/**
 * The versions of a package, newest first, 100 a page; none where GitHub's API knows no such package.
 * @throws {RegistryError} LISTING (pages in a circle), UNAUTHORIZED, DENIED, RATE_LIMITED, …
 */
export async function* versionPages(session: Session, repository: string, signal?: AbortSignal): AsyncGenerator<Version[]> {
  const { owner, name } = packageOf(repository);
  let first: number | undefined;
  for (let number = 1; ; number += 1) {
    const page = await githubPage(session, owner, versionsPath(name), {}, VERSIONS, number, signal);
    if (!page) return;
    const [begins] = page.items;
    if (begins !== undefined && begins.id === first)
      throw listingError(session, versionsPath(name), 'its pages lead in a circle', repository);
    first = begins?.id;
    yield page.items.map(({ id, name: digest, metadata }) => ({ id, digest, tags: metadata.container.tags }));
    if (!page.more) return;
  }
}

/**
 * The digests of tags, 100 manifests a request, for as long as that spares requests.
 * @returns `undefined` without a token
 * @throws {RegistryError} as `versionPages`
 */
export async function knownDigests(
  session: Session,
  repository: string,
  tags: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  if (!hasToken(session)) return undefined;
  return collectDigests(tags, pairs(versionPages(session, repository, signal)));
}

async function* pairs(pages: AsyncIterable<Version[]>): AsyncGenerator<TagDigest[]> {
  for await (const versions of pages) yield versions.flatMap(({ digest, tags }) => tags.map((tag): TagDigest => [tag, digest]));
}

/**
 * The manifests without a tag, those of an index's platforms too.
 * @returns `undefined` without a token
 * @throws {RegistryError} as `versionPages`
 */
export async function listUntagged(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined> {
  if (!hasToken(session)) return undefined;
  const found: Digest[] = [];
  for await (const versions of versionPages(session, repository, signal))
    for (const { digest, tags } of versions) if (tags.length === 0 && isDigest(digest)) found.push(digest);
  return found;
}
