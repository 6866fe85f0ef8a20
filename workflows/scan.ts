import { patched, workflowInfo } from '@temporalio/workflow';
import { BATCH_IMAGES, chunks } from '../src/model/batches.ts';
import type { Failure } from '../src/model/failure.ts';
import { PRIORITY } from '../src/model/names.ts';
import type { Depth } from '../src/model/policy.ts';
import type {
  ComparedTag,
  CompareRepositoryResult,
  ImageOutcome,
  Notice,
  RecordScanResult,
  RepositoryStep,
  ScanCarried,
  TaggedImage,
  TagFailure,
} from '../src/model/steps.ts';
import { count } from '../src/model/text.ts';
import { addWork, NO_WORK, type Work } from '../src/model/work.ts';
import { control, siteActivities } from './activities.ts';
import { activityFailure } from './activity-failure.ts';
import { copyUntagged } from './copy-untagged.ts';
import { deleteGone } from './delete-gone.ts';
import {
  copyRound,
  fetchRound,
  leaveDoubtful,
  markRound,
  orPending,
  outcomesOf,
  putOf,
  type OpenRound,
  type RoundResult,
} from './round.ts';

/** Tags compared at a time: as many as fit a payload. */
const TAGS_A_PAGE = 1_000;
/** Tags that move under a scan are done again at once; after this many times they are left to their own events. */
const AGAIN = 5;
const JUST_NOW_MS = 30_000;

export interface ScanOptions {
  readonly scan: string;
  readonly verify: 'auto' | Depth;
  /** List a second time at once where deletions lack only that. */
  readonly once: boolean;
  readonly deletions: readonly Notice[];
  readonly carried?: ScanCarried | undefined;
  /** The only page, where it was just compared. */
  readonly compared?: CompareRepositoryResult | undefined;
  /** Goes on in a new run, with what the scan has done so far. */
  readonly carryOn: (carried: Omit<ScanCarried, 'asked'>) => Promise<never>;
}

export interface ScanResult {
  readonly work: Work;
  /** Images that failed and that a retry may mend. */
  readonly unsettled: number;
  /** Of these, tags that still moved at the end. */
  readonly moving?: number;
  /** Why manifests without a tag, which are no images, did not all come over. */
  readonly failure?: Failure;
}

/** Compares a repository page by page, brings over what differs, re-reads what has no young verification, and decides what is to go. */
export async function scanRepository(step: RepositoryStep, options: ScanOptions): Promise<ScanResult> {
  const first = await listAndCopy(step, options);
  if (first.gone.length === 0) return first;
  const deletions = await deleteGone(step, first.gone, {
    ...options,
    look: first.look,
    confirmAfterMs: options.once ? 0 : step.policy.deletes.confirmAfterMs,
  });
  let work = addWork(first.work, { deleted: deletions.deleted });
  if (deletions.waiting === 0 || !options.once) return { ...first, work };
  const second = await listAndCopy(step, {
    ...options,
    scan: `${options.scan}/2`,
    verify: 'auto',
    carried: undefined,
    compared: undefined,
    carryOn: (done) => options.carryOn({ ...done, work: addWork(work, done.work), unsettled: first.unsettled + done.unsettled }),
  });
  const confirmed = await deleteGone(step, second.gone, { ...options, look: second.look, confirmAfterMs: 0 });
  work = addWork(addWork(work, second.work), { deleted: confirmed.deleted });
  return { ...second, work, unsettled: first.unsettled + second.unsettled };
}

interface Listed extends ScanResult {
  readonly gone: readonly TaggedImage[];
  readonly look: number;
}

async function listAndCopy(step: RepositoryStep, options: ScanOptions): Promise<Listed> {
  const { carried } = options;
  let { compared } = options;
  const gone: TaggedImage[] = [...(carried?.gone ?? [])];
  let work = carried?.work ?? NO_WORK;
  let unsettled = carried?.unsettled ?? 0;
  let look = carried?.look;
  let after = carried?.after;
  const { compareRepository } = siteActivities(step.policy.site, 'bulk');
  const primary: { regressed?: boolean } = {};
  for (;;) {
    const from = after === undefined ? '' : ` after ${after}`;
    const ahead = compared;
    compared = undefined;
    const page =
      ahead ??
      (await compareRepository(
        { ...step, limit: TAGS_A_PAGE, ...(after === undefined ? {} : { after }) },
        asked(`${step.repository}: compare both sides${from}`),
      ));
    const plan = await control.recordScan(
      {
        ...step,
        scan: options.scan,
        page,
        verify: options.verify,
        ...(after === undefined ? {} : { after }),
        ...(ahead ? { ahead: true } : {}),
      },
      { summary: `${step.repository}: ${page.summary}` },
    );
    if (plan.late) continue;
    look ??= page.look;
    gone.push(...plan.gone);
    if (plan.expired && patched('kept tags')) await sweepExpired(step, plan.expired);
    unsettled += page.failures.filter(({ failure }) => failure.retry !== 'never').length;
    const still = await heldBack(step, plan, primary);
    const moving = page.tags.filter(({ tag }) => !still.has(tag));
    const done = await settlePage(step, options, { tags: moving, look: page.look }, new Set(plan.verify));
    work = addWork(addWork(work, done.work), { failed: page.failures.length });
    unsettled += done.unsettled;
    const alone = page.untagged ? await copyUntagged(step, page.untagged) : undefined;
    if (alone) work = addWork(work, alone.work);
    after = page.next;
    if (after === undefined) return { gone, work, unsettled, look, ...(alone?.failure ? { failure: alone.failure } : {}) };
    if (workflowInfo().continueAsNewSuggested) return options.carryOn({ scan: options.scan, look, after, gone, work, unsettled });
  }
}

/**
 * Which tags of a page are not to move: those that a person is asked about, and all that overwrite something if the primary has lost what was verified
 * from it.
 * @param primary what is known of it in this scan: once is enough
 */
async function heldBack(step: RepositoryStep, plan: RecordScanResult, primary: { regressed?: boolean }): Promise<ReadonlySet<string>> {
  if ((!plan.held && !plan.sample) || !patched('held moves')) return new Set();
  if (plan.sample && primary.regressed === undefined) {
    const { sampleDigests } = siteActivities(step.policy.site, 'bulk');
    const { sampled, missing, summary } = await sampleDigests(
      { ...step, sample: plan.sample },
      asked(`${step.repository}: whether the primary still holds what was verified`),
    );
    const judged = await control.judgePrimary({ ...step, sampled, missing }, { summary: `${step.repository}: ${summary}` });
    primary.regressed = judged.regressed;
  }
  return new Set([...(plan.held ?? []), ...(primary.regressed ? (plan.moves ?? []) : [])]);
}

/** What cannot be swept now is swept by a later scan. */
async function sweepExpired(step: RepositoryStep, tags: readonly string[]): Promise<void> {
  const { sweepKept } = siteActivities(step.policy.site, 'bulk');
  try {
    await sweepKept({ ...step, tags }, asked(`${step.repository}: ${count(tags.length, 'tag')} kept for long enough`));
  } catch (thrown) {
    activityFailure(thrown);
  }
}

async function settlePage(
  step: RepositoryStep,
  options: ScanOptions,
  { tags, look }: Pick<CompareRepositoryResult, 'tags' | 'look'>,
  verify: ReadonlySet<string>,
): Promise<ScanResult> {
  const differing = tags.filter(({ same }) => !same);
  const rereading = tags.filter(({ tag, same }) => same && verify.has(tag));
  const depth: Depth = options.verify === 'auto' ? step.policy.verify.depth : options.verify;
  const results: ScanResult[] = [];
  for (const batch of chunks(differing, BATCH_IMAGES)) results.push(await settleBatch(step, 'shallow', batchOf(batch, look), false));
  for (const batch of chunks(rereading, BATCH_IMAGES))
    results.push(await settleBatch(step, depth, { tags: batch.map(({ tag }) => tag) }, true));
  return results.reduce((sum, next) => ({ work: addWork(sum.work, next.work), unsettled: sum.unsettled + next.unsettled }), {
    work: NO_WORK,
    unsettled: 0,
  });
}

/** Whether a look is so young that what it saw is begun with as it is. */
export function isJustNow(look: number): boolean {
  return Date.now() - look < JUST_NOW_MS;
}

export interface Batch {
  readonly tags: readonly string[];
  /** What they stood for at the primary just now; absent: it is to be asked. */
  readonly images?: readonly TaggedImage[];
}

/** Whatever is published is asked for again before and after: what a comparison has just seen need not be asked for in between. */
function batchOf(compared: readonly ComparedTag[], look: number): Batch {
  const tags = compared.map(({ tag }) => tag);
  if (!patched('copy-compared') || !isJustNow(look)) return { tags };
  return { tags, images: compared.map(({ tag, digest }) => ({ tag, digest })) };
}

/**
 * The activities over a batch, again for what moved meanwhile.
 * @param reread what needs mending here was called equal before
 */
export async function settleBatch(step: RepositoryStep, depth: Depth, batch: Batch, reread: boolean): Promise<ScanResult> {
  const round: OpenRound = {
    step,
    put: new Map(),
    lane: 'bulk',
    depth,
    priority: reread ? PRIORITY.verify : PRIORITY.backfill,
    ...(reread ? { overwrite: 'never', heals: true } : {}),
  };
  let left = batch;
  let work = NO_WORK;
  let unsettled = 0;
  for (let turn = 0; left.tags.length > 0; turn++) {
    const result = await orPending(
      round,
      () => left.tags,
      () => Date.now(),
      () => batchRound(round, left, reread),
    );
    work = addWork(work, result.work);
    unsettled += result.failures.filter(({ failure }) => failure.retry !== 'never').length;
    left = { tags: result.again };
    if (turn === AGAIN) return { work, unsettled: unsettled + left.tags.length, moving: left.tags.length };
  }
  return { work, unsettled };
}

interface BatchResult {
  readonly work: Work;
  readonly failures: readonly { failure: Failure }[];
  readonly again: readonly string[];
}

async function batchRound(round: OpenRound, { tags, images }: Batch, reread: boolean): Promise<BatchResult> {
  try {
    const fetched = images
      ? { images, failures: [], absent: [], look: 0 }
      : await fetchRound(
          round,
          tags.map((tag) => ({ tag })),
          false,
        );
    const result = await copyRound(round, fetched.images);
    const { copied, anew } = images ? unlessHopeless(result) : { copied: result, anew: [] };
    const failures: TagFailure[] = [...fetched.failures, ...copied.failures];
    const gone = fetched.absent.map((tag): ImageOutcome => ({
      tag,
      sync: 'pending',
      verification: 'pending',
      look: fetched.look,
      gone: true,
    }));
    const outcomes = [...outcomesOf({ ...copied, failures }), ...gone];
    const overlapping = await markRound(round.step, outcomes);
    await leaveDoubtful(round.step, copied.published);
    const failed = [...failures, ...copied.published.flatMap(({ state, failure }) => (state === 'failed' && failure ? [{ failure }] : []))];
    const moved = copied.published.flatMap(({ state, tag }) =>
      // One that is gone by now is looked at again too, so that its row goes.
      tag !== undefined && state !== 'verified' && state !== 'failed' && state !== 'doubtful' ? [tag] : [],
    );
    const lacked = new Set(copied.incomplete);
    // What could not be mended is failed, and not counted twice.
    const mended = copied.published.filter(
      ({ tag, state, changed }) => tag !== undefined && state === 'verified' && (changed || lacked.has(tag)),
    );
    const done = {
      synced: copied.published.filter(({ state }) => state === 'verified').length,
      failed: failed.length,
      ...(reread ? { repaired: mended.length } : {}),
    };
    return { work: addWork(copied.work, done), failures: failed, again: [...new Set([...moved, ...overlapping, ...anew])] };
  } catch (thrown) {
    const failure = activityFailure(thrown);
    await markRound(
      round.step,
      tags.map((tag): ImageOutcome => ({
        tag,
        sync: 'failed',
        verification: 'pending',
        failure,
        look: Date.now(),
        ...putOf(round.put, tag),
      })),
    );
    return { work: addWork(NO_WORK, { failed: tags.length }), failures: tags.map(() => ({ failure })), again: [] };
  }
}

/**
 * What was seen may have moved since, and the primary have let go what it was, or never had it whole: where no retry would help, the tag is asked for
 * before that is said of it.
 */
function unlessHopeless(copied: RoundResult): { copied: RoundResult; anew: readonly string[] } {
  const isHopeless = ({ failure }: { readonly failure?: Failure }): boolean => failure?.retry === 'never';
  const anew = copied.failures.filter(isHopeless);
  const failures = copied.failures.filter((failed) => !anew.includes(failed));
  // Looked at again, and what was put of it is not forgotten.
  const published = copied.published.map((image) => (isHopeless(image) ? { ...image, state: 'incomplete' as const } : image));
  return { copied: { ...copied, failures, published }, anew: anew.flatMap(({ tag }) => tag ?? []) };
}

function asked(summary: string): { summary: string; priority: number } {
  return { summary, priority: PRIORITY.backfill };
}
