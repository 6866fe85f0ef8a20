import type { Digest } from '../model/digest.ts';
import { failureOf } from '../model/failure.ts';
import type { DeletionOutcome, PlannedDeletion, PositiveControl } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { getManifest, headManifest, probeAbsence } from '../registry/manifests.ts';
import { keep } from './keep.ts';
import { placeholderAt, removePlaceholder } from './placeholders.ts';
import type { Route } from './site.ts';
import { untag } from './untag.ts';
import { changed, type Untagged } from './untagged.ts';

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

async function deleteOrExplain(run: Run, deletion: PlannedDeletion): Promise<Untagged> {
  try {
    return await deleteOne(run, deletion);
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.retry === 'now' || failure.code === 'CANCELLED') throw thrown;
    return { result: 'unproved', reason: failure.message };
  }
}

async function deleteOne(run: Run, deletion: PlannedDeletion): Promise<Untagged> {
  const { route, controls } = run;
  const { site, repository, target, signal } = route;
  const absence = await probeAbsence(site.primary, repository, deletion.tag, signal);
  if (!absence.absent) return absence.digest ? { result: 'back' } : { result: 'unproved', reason: absence.reason };
  if (!(await readsTruthfully(route, controls))) {
    return { result: 'unproved', reason: 'no other tag of the primary read as the ledger knows it, so its 404 proves nothing' };
  }
  const held = await headManifest(site.secondary, target, deletion.tag, signal);
  if (!held) return { result: 'absent' };
  const result = held.digest === deletion.digest ? await keepAndUntag(run, deletion) : await finishOrLeave(route, deletion, held.digest);
  if (result.result !== 'deleted') return result;
  // Back at the primary in this very moment? Then it is copied again.
  return (await headManifest(site.primary, repository, deletion.tag, signal)) ? { result: 'back' } : result;
}

/** What cannot be kept could not be brought back: that is for a person to decide, or for a policy that follows the primary in everything. */
async function keepAndUntag({ route, deletions }: Run, { tag, digest, unkept }: PlannedDeletion): Promise<Untagged> {
  const { site, target, signal } = route;
  const why = await keep(route, digest, route.keeps ? await getManifest(site.secondary, target, digest, signal) : undefined);
  if (why !== undefined && unkept !== true)
    return { result: 'held', reason: `cannot be undone: what the tag stands for cannot be kept (${why})`, unkept: true };
  const result = await untag(route, tag, digest, deletions);
  return why === undefined || result.result !== 'deleted' ? result : { ...result, reason: `cannot be undone: not kept (${why})` };
}

async function readsTruthfully(route: Route, controls: readonly PositiveControl[]): Promise<boolean> {
  for (const control of controls) {
    const manifest = await getManifest(route.site.primary, control.repository, control.tag, route.signal);
    if (manifest?.digest === control.digest) return true;
  }
  return false;
}

/** Another digest is somebody else's work, unless it is what an interrupted deletion put there: then that is ended. */
async function finishOrLeave(route: Route, deletion: PlannedDeletion, now: Digest): Promise<Untagged> {
  const begun = await placeholderAt(route, deletion.tag);
  if (begun?.was !== deletion.digest) return changed(now);
  const before = await getManifest(route.site.secondary, route.target, begun.was, route.signal);
  return removePlaceholder(route, deletion.tag, begun.digest, before);
}
