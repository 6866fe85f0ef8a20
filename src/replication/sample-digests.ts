import type { SampleDigestsResult } from '../model/guard-steps.ts';
import type { PositiveControl } from '../model/steps.ts';
import { headManifest } from '../registry/manifests.ts';
import { concurrently } from './concurrently.ts';
import type { Site } from './site.ts';

const AT_ONCE = 8;

/**
 * Asks the primary for digests that were verified from it.
 * @throws {RegistryError} DENIED, UNREACHABLE, …: nothing is known then
 */
export async function sampleDigests(site: Site, sample: readonly PositiveControl[], signal?: AbortSignal): Promise<SampleDigestsResult> {
  const held = await concurrently(sample, AT_ONCE, async ({ repository, digest }) =>
    Boolean(await headManifest(site.primary, repository, digest, signal)),
  );
  const missing = held.filter((there) => !there).length;
  const summary = `the primary lacks ${missing} of ${sample.length} digests that were verified`;
  return { summary, sampled: sample.length, missing };
}
