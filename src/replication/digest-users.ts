import type { Digest } from '../model/digest.ts';
import { isTwinportError } from '../model/failure.ts';
import { linksOf, type Manifest, type ManifestLinks } from '../model/manifest.ts';
import { isIndexType, isManifestType } from '../model/media-types.ts';
import type { PlannedDeletion } from '../model/steps.ts';
import { getManifest, headManifest, probeAbsence } from '../registry/manifests.ts';
import { listReferrers } from '../registry/referrers.ts';
import { listTags } from '../registry/tags.ts';
import { concurrently } from './concurrently.ts';
import type { Route } from './site.ts';

const READS_AT_ONCE = 16;
/** Deeper than any image; what cannot be looked into counts as a user. */
const MAX_DEPTH = 16;

/**
 * Looks for what uses a digest at the secondary besides `tag`: another tag that is to stay, an index, or a referrer whose subject it is.
 * @param deletions what goes together with `tag`: as provably gone at the primary, it is no reason to keep the digest
 * @returns its name, or `undefined` if nothing uses it
 * @throws {RegistryError} LISTING, DENIED, UNREACHABLE, …: nothing is known then
 */
export async function userOf(
  route: Route,
  deletions: readonly PlannedDeletion[],
  tag: string,
  digest: Digest,
): Promise<string | undefined> {
  const { site, repository, target, signal } = route;
  const referrers = await listReferrers(site.secondary, target, digest, signal);
  if (referrers?.[0]) return `its referrer ${referrers[0].digest}`;
  const listed = await listTags(site.secondary, target, signal);
  // The tag is there: a list that does not tell of it may not tell of others either.
  if (!listed?.includes(tag)) return 'what its list of tags leaves out';
  const others = listed.filter((other) => other !== tag);
  const siblings = deletions.filter((one) => one.digest === digest && others.includes(one.tag));
  const gone = await concurrently(siblings, READS_AT_ONCE, async (one) =>
    (await probeAbsence(site.primary, repository, one.tag, signal)).absent ? one.tag : '',
  );
  const users = await concurrently(others, READS_AT_ONCE, async (other) => {
    if (gone.includes(other) && (await headManifest(site.secondary, target, other, signal))?.digest === digest) return undefined;
    return (await uses(route, other, digest, 0)) ? other : undefined;
  });
  return users.find((user) => user !== undefined);
}

async function uses(route: Route, reference: string, digest: Digest, depth: number): Promise<boolean> {
  const { site, target, signal } = route;
  const head = await headManifest(site.secondary, target, reference, signal);
  if (!head) return false;
  if (head.digest === digest) return true;
  if (depth > MAX_DEPTH) return true;
  const manifest = await getManifest(site.secondary, target, head.digest, signal);
  if (!manifest) return false;
  const links = linksIn(manifest);
  if (!links) return true;
  const listed = [...links.children, ...links.entries];
  if (links.subject?.digest === digest || listed.some((child) => child.digest === digest)) return true;
  const nested = listed.filter((child) => isIndexType(child.mediaType) || !isManifestType(child.mediaType));
  for (const child of nested) if (await uses(route, child.digest, digest, depth + 1)) return true;
  return false;
}

/** `undefined` of a manifest that cannot be looked into: what it uses is not known. */
function linksIn(manifest: Manifest): ManifestLinks | undefined {
  try {
    return linksOf(manifest);
  } catch (thrown) {
    if (!isTwinportError(thrown)) throw thrown;
    return undefined;
  }
}
