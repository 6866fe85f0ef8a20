import type { Digest } from '../model/digest.ts';
import { headManifest } from '../registry/manifests.ts';
import { listUntagged } from '../registry/untagged.ts';
import { concurrently } from './concurrently.ts';
import type { Route } from './site.ts';

const HEADS_AT_ONCE = 32;

/**
 * Finds manifests that no tag of the primary names and that the secondary lacks, where the primary's kind can list them.
 * @param limit of one answer; what is beyond comes with the next comparison, when these are there
 * @param list asks the primary
 * @throws {RegistryError} if the primary cannot be listed: a failed listing is never an empty one
 */
export async function lackingUntagged(route: Route, limit: number, list: typeof listUntagged = listUntagged): Promise<Digest[]> {
  const { site, repository, target, signal } = route;
  const listed = [...new Set((await list(site.primary, repository, signal)) ?? [])].sort();
  const lacking: Digest[] = [];
  await concurrently(listed, HEADS_AT_ONCE, async (digest) => {
    if (lacking.length < limit && !(await headManifest(site.secondary, target, digest, signal))) lacking.push(digest);
  });
  return lacking.slice(0, limit).sort();
}
