import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../model/digest.ts';
import { isTwinportError } from '../model/failure.ts';
import type { PlannedDeletion } from '../model/steps.ts';
import { deleteManifest, headManifest } from '../registry/manifests.ts';
import { deleteTag } from '../registry/tags.ts';
import { userOf } from './digest-users.ts';
import { untagByPlaceholder } from './placeholders.ts';
import type { Route } from './site.ts';
import { changed, REFUSED, type Untagged } from './untagged.ts';

/** How long a registry may go on serving what it has just deleted, before it is not believed; in milliseconds, one after the other. */
const STILL_SERVED_MS = [50, 200, 1_000];

/**
 * Takes one tag away at the secondary, and nothing else: by name; where the registry cannot, by digest if nothing else there uses it and the primary
 * no longer holds it; else by a placeholder that takes the tag's place and is deleted. Believed is not the answer, but a tag that is gone.
 * @param digest what the tag stands for
 * @param deletions what goes together with it
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function untag(route: Route, tag: string, digest: Digest, deletions: readonly PlannedDeletion[]): Promise<Untagged> {
  const { site, repository, target, signal } = route;
  const answer = await deleteTag(site.secondary, target, tag, signal);
  if (answer === 'refused') return REFUSED;
  if (answer !== 'unsupported') return confirm(route, tag, digest, answer);
  if ((await headManifest(site.primary, repository, digest, signal)) || (await isUsed(route, deletions, tag, digest))) {
    return untagByPlaceholder(route, tag, digest);
  }
  const deleted = await deleteManifest(site.secondary, target, digest, signal);
  return deleted === 'refused' ? REFUSED : confirm(route, tag, digest, deleted);
}

/** Whether the digest must stay; so it must where that cannot be found out, as without a list of tags. */
async function isUsed(route: Route, deletions: readonly PlannedDeletion[], tag: string, digest: Digest): Promise<boolean> {
  try {
    return (await userOf(route, deletions, tag, digest)) !== undefined;
  } catch (thrown) {
    if (!isTwinportError(thrown) || thrown.retry === 'now' || thrown.code === 'CANCELLED') throw thrown;
    return true;
  }
}

/** A registry may answer that it deleted, or that there is nothing to delete, and go on serving the tag. */
async function confirm(route: Route, tag: string, digest: Digest, said: 'deleted' | 'absent'): Promise<Untagged> {
  const { site, target, signal } = route;
  for (const waitMs of [0, ...STILL_SERVED_MS]) {
    await sleep(waitMs, undefined, signal ? { signal } : {});
    const now = await headManifest(site.secondary, target, tag, signal);
    if (!now) return { result: said };
    if (now.digest !== digest) return changed(now.digest);
  }
  const claim = said === 'deleted' ? 'it deleted the tag' : 'the tag is not there';
  return { result: 'held', reason: `the registry answers that ${claim}, and still serves it` };
}
