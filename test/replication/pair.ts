import { afterAll } from '@jest/globals';
import type { SitePolicy } from '../../src/model/policy.ts';
import { POLICY } from '../support/policy.ts';
import type { CopyBlobsResult, PublishedImage, TagFailure } from '../../src/model/steps.ts';
import { openSession } from '../../src/registry/session.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { copyBlobs } from '../../src/replication/copy-blobs.ts';
import { enumerateLayers } from '../../src/replication/enumerate-layers.ts';
import { fetchManifests } from '../../src/replication/fetch-manifests.ts';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import { createSite, routeOf, type Route, type Site } from '../../src/replication/site.ts';

const open: Site[] = [];

/** The two sides, as a worker sees them. */
export function sitePair(primary: string, secondary: string, { transfers = 8 }: { transfers?: number } = {}): Site {
  const limits = { requests: 64, transfers };
  const auth = { type: 'none' } as const;
  const site = createSite(
    openSession({ name: 'primary', side: 'primary', url: primary, kind: 'oci', auth, limits }),
    openSession({ name: 'eu', side: 'secondary', url: secondary, kind: 'oci', auth, limits }),
  );
  open.push(site);
  return site;
}

afterAll(async () => {
  await Promise.all(open.splice(0).flatMap((site) => [site.primary.close(), site.secondary.close()]));
});

export function route(site: Site, repository: string, policy: SitePolicy = POLICY, signal?: AbortSignal): Route {
  return routeOf(site, { policy, repository }, signal);
}

/**
 * Looks at tags again of which something was not seen, as their workflow does: Distribution may not see a manifest in the moment in which it is put for
 * another image.
 */
export async function lookedAtAgain(
  { published }: Replicated,
  again: (tags: readonly string[]) => Promise<Replicated>,
): Promise<readonly PublishedImage[]> {
  const unseen = published.filter(({ state, failure }) => state === 'incomplete' || failure?.code === 'UNAVAILABLE');
  const tags = unseen.flatMap(({ tag }) => (tag === undefined ? [] : [tag]));
  if (tags.length === 0) return published;
  return [...published.filter((image) => image.tag === undefined || !tags.includes(image.tag)), ...(await again(tags)).published];
}

export interface Replicated {
  readonly published: readonly PublishedImage[];
  readonly copied: CopyBlobsResult | undefined;
  readonly present: number;
  /** What could not be compared, or read at the primary. */
  readonly failures: readonly TagFailure[];
  /** What `enumerateLayers` says in Temporal's Web UI. */
  readonly summary: string;
}

/** What the activities do with a repository, without Temporal. */
export async function replicate(
  site: Site,
  repository: string,
  options: { tags?: readonly string[]; depth?: 'shallow' | 'deep'; policy?: SitePolicy; mayFail?: boolean } = {},
): Promise<Replicated> {
  const policy = options.policy ?? POLICY;
  const way = route(site, repository, policy);
  const compared = options.tags ? undefined : await compareRepository(way, policy, undefined, 1_000, { ahead: true });
  // What a comparison has just seen is not asked for again.
  const fetched = compared
    ? { images: compared.tags.map(({ tag, digest }) => ({ tag, digest })), failures: [] }
    : await fetchManifests(
        way,
        (options.tags ?? []).map((tag) => ({ tag })),
        false,
      );
  const lacks = await enumerateLayers(way, fetched.images, options.depth ?? 'shallow');
  const failures = [...(compared?.failures ?? []), ...fetched.failures, ...lacks.failures];
  if (failures[0] && options.mayFail !== true) throw new Error(failures[0].failure.message);
  const copied =
    lacks.lacking.length > 0
      ? await copyBlobs(way, lacks.lacking, {
          earlier: undefined,
          attempt: 1,
          onProgress: () => undefined,
          ended: () => 'cancelled',
          depth: options.depth,
        })
      : undefined;
  const publishable = fetched.images.filter(({ tag }) => !failures.some((failed) => failed.tag === tag));
  const published = await publishManifests(way, publishable, copied?.failures ?? []);
  return { published: published.images, copied, present: lacks.present, failures, summary: lacks.summary };
}
