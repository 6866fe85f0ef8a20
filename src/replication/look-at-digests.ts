import { isDigest, type Digest } from '../model/digest.ts';
import { failureOf } from '../model/failure.ts';
import { parseBody, type Manifest } from '../model/manifest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { UntaggedManifests } from '../model/policy.ts';
import type { LookAtDigestsResult } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { getManifest, headManifest } from '../registry/manifests.ts';
import { holdsManifest } from './ensure-manifest.ts';
import type { Route } from './site.ts';

/**
 * Looks at manifests that were pushed without a tag. A referrer has its subject, where the secondary holds that, synchronised with its referrers.
 * A child of an index comes with its tag; what no tag reaches is replicated where `untagged` is `all`.
 */
export async function lookAtDigests(
  route: Route,
  digests: readonly Digest[],
  untagged: UntaggedManifests = 'none',
): Promise<LookAtDigestsResult> {
  const wanted = new Set<Digest>();
  const odd: string[] = [];
  for (const digest of digests) {
    try {
      for (const one of await wantedFor(route, digest, untagged)) wanted.add(one);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.retry !== 'never' || failure.code === 'CANCELLED') throw thrown;
      // Its own synchronisation says so again, where it is to be replicated; else it concerns nobody.
      if (untagged === 'all') wanted.add(digest);
      odd.push(failure.message);
    }
  }
  const summary = [`${count(digests.length, 'digest')} looked at, ${wanted.size} to synchronise`, ...odd.slice(0, 3)].join('; ');
  return { summary, subjects: [...wanted] };
}

async function wantedFor(route: Route, digest: Digest, untagged: UntaggedManifests): Promise<Digest[]> {
  const { site, repository, target, signal } = route;
  const manifest = site.manifests.get(repository, digest) ?? (await getManifest(site.primary, repository, digest, signal));
  if (!manifest) return [];
  site.manifests.put(repository, manifest);
  const subject = subjectOf(manifest)?.digest;
  const referred = subject !== undefined && (await headManifest(site.secondary, target, subject, signal)) ? [subject] : [];
  // A child of an index came with its tag by now.
  return untagged === 'none' || (await holdsManifest(route, digest, manifest)) ? referred : [...referred, digest];
}

/** The subject alone: a manifest whose layers we could not replicate may still be nobody's referrer. */
function subjectOf(manifest: Manifest): Pick<Descriptor, 'digest'> | undefined {
  const subject = parseBody(manifest)['subject'] as { digest?: unknown } | null | undefined;
  return isDigest(subject?.digest) ? { digest: subject.digest } : undefined;
}
