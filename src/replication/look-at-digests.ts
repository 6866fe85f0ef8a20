import { isDigest, type Digest } from '../model/digest.ts';
import { parseBody, type Manifest } from '../model/manifest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { LookAtDigestsResult } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { getManifest, headManifest } from '../registry/manifests.ts';
import type { Route } from './site.ts';

/**
 * Looks at manifests that were pushed without a tag. Only a referrer asks for something: its subject, where the secondary holds that, is
 * synchronised with its referrers. A child of an index comes with its tag, and what no tag reaches is not replicated.
 */
export async function lookAtDigests(route: Route, digests: readonly Digest[]): Promise<LookAtDigestsResult> {
  const { site, repository, target, signal } = route;
  const subjects = new Set<Digest>();
  for (const digest of digests) {
    const manifest = site.manifests.get(repository, digest) ?? (await getManifest(site.primary, repository, digest, signal));
    if (!manifest) continue;
    site.manifests.put(repository, manifest);
    const subject = subjectOf(manifest);
    if (subject && (await headManifest(site.secondary, target, subject.digest, signal))) subjects.add(subject.digest);
  }
  return {
    summary: `${count(digests.length, 'digest')} looked at, ${count(subjects.size, 'subject')} to synchronise`,
    subjects: [...subjects],
  };
}

/** The subject alone: a manifest whose layers we could not replicate may still be nobody's referrer. */
function subjectOf(manifest: Manifest): Pick<Descriptor, 'digest'> | undefined {
  const subject = parseBody(manifest)['subject'] as { digest?: unknown } | null | undefined;
  return isDigest(subject?.digest) ? { digest: subject.digest } : undefined;
}
