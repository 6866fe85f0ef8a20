import type { Site } from '../../src/replication/site.ts';
import { difference, walk, type Holdings } from '../support/walk.ts';

const FALLBACK = /^sha256-[0-9a-f]{64}$/;

/**
 * What a secondary holds otherwise than the primary, by an independent reading of both. Where the primary has the referrers API and the
 * secondary has not, the fallback indexes are the secondary's own; that they list the same is for the clients to find out.
 * @param without tags that the secondary refused
 */
export async function differenceOfCopy(site: Site, repository: string, copy: string, without: readonly string[]): Promise<string[]> {
  const there = await walk(site.primary.endpoint.url, { repositories: [repository] });
  const read = await walk(site.secondary.endpoint.url, { repositories: [copy] });
  const here = JSON.parse(JSON.stringify(read).replaceAll(copy, repository)) as Holdings;
  for (const tag of without) {
    delete there.manifests[`${repository}@${there.tags[repository]?.[tag]}`];
    delete there.tags[repository]?.[tag];
  }
  const tags = here.tags[repository] ?? {};
  for (const [tag, digest] of Object.entries(tags)) {
    if (!FALLBACK.test(tag) || there.tags[repository]?.[tag] !== undefined) continue;
    delete tags[tag];
    delete here.manifests[`${repository}@${digest}`];
  }
  return difference(there, here);
}
