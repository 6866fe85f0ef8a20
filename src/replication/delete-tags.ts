import type { Digest } from '../model/digest.ts';
import { failureOf } from '../model/failure.ts';
import { linksOf } from '../model/manifest.ts';
import { isIndexType } from '../model/media-types.ts';
import type { DeletionOutcome, PlannedDeletion, PositiveControl } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { deleteManifest, getManifest, headManifest, probeAbsence } from '../registry/manifests.ts';
import { deleteTag, listTags } from '../registry/tags.ts';
import { concurrently } from './concurrently.ts';
import type { Route } from './site.ts';

type Result = Pick<DeletionOutcome, 'result' | 'reason'>;

/**
 * Deletes tags at the secondary that are provably gone at the primary, one at a time: a GET that answers 404 with a code that says so, a sibling
 * that reads truthfully in the same activity, and the secondary's tag still at the digest that Twinport put there.
 */
export async function deleteTags(
  route: Route,
  deletions: readonly PlannedDeletion[],
  controls: readonly PositiveControl[],
): Promise<{ summary: string; outcomes: DeletionOutcome[] }> {
  const run: Run = { route, deletions, controls };
  const outcomes: DeletionOutcome[] = [];
  for (const deletion of deletions) outcomes.push({ ...deletion, ...(await deleteOrExplain(run, deletion)) });
  const deleted = outcomes.filter((outcome) => outcome.result === 'deleted').length;
  const left = outcomes.length - deleted;
  return { summary: `${count(deleted, 'tag')} deleted${left > 0 ? `, ${left} left alone` : ''}`, outcomes };
}

interface Run {
  readonly route: Route;
  readonly deletions: readonly PlannedDeletion[];
  readonly controls: readonly PositiveControl[];
}

async function deleteOrExplain(run: Run, deletion: PlannedDeletion): Promise<Result> {
  try {
    return await deleteOne(run, deletion);
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.retry === 'now' || failure.code === 'CANCELLED') throw thrown;
    return { result: 'unproved', reason: failure.message };
  }
}

async function deleteOne(run: Run, deletion: PlannedDeletion): Promise<Result> {
  const { route, controls } = run;
  const { site, repository, target, signal } = route;
  const absence = await probeAbsence(site.primary, repository, deletion.tag, signal);
  if (!absence.absent) return absence.digest ? { result: 'back' } : { result: 'unproved', reason: absence.reason };
  if (!(await readsTruthfully(route, controls))) {
    return { result: 'unproved', reason: 'no other tag of the primary read as the ledger knows it, so its 404 proves nothing' };
  }
  const held = await headManifest(site.secondary, target, deletion.tag, signal);
  if (!held) return { result: 'absent' };
  if (held.digest !== deletion.digest) return { result: 'changed', reason: `the secondary's tag is now ${held.digest}` };
  const result = await untag(run, deletion.tag, held.digest);
  if (result.result !== 'deleted') return result;
  // Back at the primary in this very moment? Then it is copied again.
  return (await headManifest(site.primary, repository, deletion.tag, signal)) ? { result: 'back' } : result;
}

async function readsTruthfully(route: Route, controls: readonly PositiveControl[]): Promise<boolean> {
  for (const control of controls) {
    const manifest = await getManifest(route.site.primary, control.repository, control.tag, route.signal);
    if (manifest?.digest === control.digest) return true;
  }
  return false;
}

/** By name; where the registry cannot, by digest if nothing else at the secondary uses it and the primary no longer holds it. */
async function untag(run: Run, tag: string, digest: Digest): Promise<Result> {
  const { site, repository, target, signal } = run.route;
  const answer = await deleteTag(site.secondary, target, tag, signal);
  if (answer === 'deleted' || answer === 'absent') return { result: answer };
  if (answer === 'refused') return { result: 'held', reason: 'registry refuses deletes' };
  if (await headManifest(site.primary, repository, digest, signal)) return cannotUntag('the primary still holds the digest');
  const user = await userOf(run, tag, digest);
  if (user !== undefined) return cannotUntag(`${user} uses the digest`);
  const deleted = await deleteManifest(site.secondary, target, digest, signal);
  return deleted === 'refused' ? { result: 'held', reason: 'registry refuses deletes' } : { result: deleted };
}

function cannotUntag(why: string): Result {
  return { result: 'held', reason: `cannot untag: this registry deletes by digest only, and ${why}` };
}

/** Another tag at the secondary that is this digest and is to stay, or an index, or a referrer's subject, that points at it. */
async function userOf({ route, deletions }: Run, tag: string, digest: Digest): Promise<string | undefined> {
  const { site, repository, target, signal } = route;
  const others = ((await listTags(site.secondary, target, signal)) ?? []).filter((other) => other !== tag);
  const siblings = deletions.filter((one) => one.digest === digest && others.includes(one.tag));
  const gone = await concurrently(siblings, 16, async (one) =>
    (await probeAbsence(site.primary, repository, one.tag, signal)).absent ? one.tag : '',
  );
  const users = await concurrently(others, 16, async (other) => {
    // A tag that goes with this one, and is as provably gone, is no reason to keep the digest.
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
  if (depth > 16) return true;
  const manifest = await getManifest(site.secondary, target, head.digest, signal);
  if (!manifest) return false;
  const links = linksOf(manifest);
  if (links.subject?.digest === digest || links.children.some((child) => child.digest === digest)) return true;
  const nested = links.children.filter((child) => isIndexType(child.mediaType));
  for (const child of nested) if (await uses(route, child.digest, digest, depth + 1)) return true;
  return false;
}
