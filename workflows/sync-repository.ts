import { ApplicationFailure, CancellationScope, condition, continueAsNew, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import { backoffMs } from '../src/model/backoff.ts';
import type { Digest } from '../src/model/digest.ts';
import type { Failure } from '../src/model/failure.ts';
import { isUrgent, wantedBy, type Wanted } from '../src/model/notices.ts';
import type {
  CompareRepositoryResult,
  Notice,
  RepositoryStep,
  ScanCarried,
  SyncRepositoryInput,
  SyncRepositoryResult,
} from '../src/model/steps.ts';
import { count, formatBytes } from '../src/model/text.ts';
import type { UndoOrder } from '../src/model/undo-order.ts';
import { addWork, NO_WORK, type Work } from '../src/model/work.ts';
import { siteActivities } from './activities.ts';
import { activityFailure } from './activity-failure.ts';
import { failuresOf } from './copy-untagged.ts';
import { answer, answerAtTheEnd, isAsked } from './answers.ts';
import { noticed } from './messages.ts';
import { copyRound } from './round.ts';
import { isJustNow, scanRepository } from './scan.ts';
import { undo } from './undo.ts';

/** Events come in flocks: an index of N platforms raises N+1. */
const QUIET_MS = 5_000;
const LONGEST_QUIET_MS = 60_000;
const ROUNDS_A_RUN = 20;

/**
 * Keeps one repository of a secondary equal to the primary's: compares it when asked, looks at manifests that were pushed without a tag, and alone decides
 * what is deleted. As a child of `backfillSite` it ends with its scan; started by itself it tries again what failed.
 */
export async function syncRepository(input: SyncRepositoryInput): Promise<SyncRepositoryResult> {
  const run = startRun(input);
  try {
    for (let rounds = 1; ; rounds++) {
      if (rounds > ROUNDS_A_RUN || workflowInfo().continueAsNewSuggested) return await goOn(run);
      // Other notices may have taken the time that a failure's next scan was to wait.
      run.scan ||= run.dueAt !== undefined && Date.now() >= run.dueAt;
      if (run.scan || (await quiet(run))) await round(run, `${workflowInfo().runId}/${rounds}`);
      if (run.undoing > 0) await condition(() => run.undoing === 0 || run.notices.length > 0);
      // No await from here to the end: a notice would be lost.
      if (run.notices.length > 0) {
        // Else notices that keep coming would put off for ever what failed.
        if (triesAgain(run) && patched('due-whatever-comes')) run.dueAt ??= nextScan(run);
        continue;
      }
      if (run.failed && (run.child || run.failed.failure.retry === 'never')) throw run.failed.thrown;
      if (run.child || run.attempts === 0) return { work: run.work, unsettled: run.unsettled, summary: summarize(run.work) };
      // On its own, with failures left: sleep, then compare again; a notice is not kept waiting.
      run.dueAt ??= nextScan(run);
      run.scan = !(await condition(() => run.notices.length > 0, Math.max(1, run.dueAt - Date.now())));
    }
  } catch (thrown) {
    // What a cancel made of it is recorded before the end.
    if (run.undoing > 0) await CancellationScope.nonCancellable(() => condition(() => run.undoing === 0));
    await answerAtTheEnd(run, thrown);
    throw thrown;
  }
}

function triesAgain({ child, attempts, failed }: Run): boolean {
  return !child && attempts > 0 && failed?.failure.retry !== 'never';
}

function nextScan({ attempts }: Run): number {
  return Date.now() + backoffMs(attempts, Math.random());
}

interface Run {
  readonly input: SyncRepositoryInput;
  readonly step: RepositoryStep;
  readonly child: boolean;
  readonly notices: Notice[];
  /** What was asked to be set back in this run, by its name in the ledger, and how many of these are under way: beside all else, for a person waits. */
  readonly undone: Set<string>;
  undoing: number;
  /** The notices of the present round. */
  serving: readonly Notice[];
  /** Delete events that no scan has used yet. */
  evidence: readonly Notice[];
  /** Digests without a tag that are to be replicated and failed: they go with the next scan that is due. */
  owed: readonly Notice[];
  carried: ScanCarried | undefined;
  /** What the first scan begins with. */
  compared: CompareRepositoryResult | undefined;
  /** A scan is due, whatever the notices say. */
  scan: boolean;
  dueAt: number | undefined;
  attempts: number;
  work: Work;
  unsettled: number;
  failed: { readonly thrown: unknown; readonly failure: Failure } | undefined;
}

function startRun(input: SyncRepositoryInput): Run {
  const { policy, repository, carried, compared, done, dueAt } = input;
  const child = input.mode === 'scan';
  const run: Run = {
    ...{ input, step: { policy, repository, ...(child ? {} : { patient: true }) }, child, carried, compared, dueAt, failed: undefined },
    ...{ notices: [...(input.pending ?? [])], undone: new Set<string>(), undoing: 0, serving: [], evidence: [], owed: [] },
    scan: carried !== undefined || (child && done === undefined),
    attempts: input.attempts ?? 0,
    ...(done ?? { work: NO_WORK, unsettled: 0 }),
  };
  setHandler(noticed, (notice) => {
    if (notice.undo && patched('undo')) void setBack(run, notice.undo);
    else if (!isAsked(run, notice)) run.notices.push(notice);
  });
  return run;
}

async function setBack(run: Run, order: UndoOrder): Promise<void> {
  if (run.undone.has(order.id)) return;
  run.undone.add(order.id);
  run.undoing += 1;
  const { policy, repository } = run.step;
  await undo({ policy, repository }, order);
  run.undoing -= 1;
}

/** Continues as new; in the middle of a scan with what it has done so far. */
async function goOn(run: Run, carried?: ScanCarried): Promise<never> {
  if (run.undoing > 0) await condition(() => run.undoing === 0);
  const { policy, repository, mode, verify, once } = run.input;
  const due: Notice[] = run.scan ? [{ kind: 'compare', receivedAt: Date.now() }] : [];
  return continueAsNew<typeof syncRepository>({
    ...{ policy, repository, mode, verify, once },
    ...{ attempts: run.attempts, done: { work: run.work, unsettled: run.unsettled } },
    ...(carried
      ? { carried, pending: [...run.owed, ...run.notices] }
      : { pending: [...run.evidence, ...run.owed, ...due, ...run.notices] }),
    ...(run.dueAt === undefined ? {} : { dueAt: run.dueAt }),
  });
}

/** Serves the notices that have come, and a scan that is due; what fails as a whole is told to those who wait. */
async function round(run: Run, scan: string): Promise<void> {
  run.serving = run.carried?.asked ?? [...run.notices.splice(0), ...owedNow(run)];
  const wanted = wantedBy(run.serving);
  try {
    const refused = wanted.digests.length > 0 ? await syncDigests(run, wanted.digests) : undefined;
    if (run.scan || wanted.scan) await compare(run, wanted, scan);
    else if (wanted.repair) run.attempts = Math.max(1, run.attempts);
    if (refused) run.failed = failed(refused);
  } catch (thrown) {
    const failure = activityFailure(thrown);
    run.failed = { thrown, failure };
    run.evidence = [...run.evidence, ...wanted.deletions];
    if (run.step.policy.untagged === 'all') owe(run, wanted.digests);
    settled(run, Math.max(1, run.unsettled));
    await answer(wanted.replyTo, { ...nothingDone(run), failure });
  }
  run.serving = [];
}

async function compare(run: Run, wanted: Wanted, scan: string): Promise<void> {
  const { input, step, carried } = run;
  const asked = [...run.evidence, ...run.serving.filter(({ kind }) => kind !== 'digest')];
  const { work, unsettled, failure } = await scanRepository(step, {
    scan: carried?.scan ?? scan,
    verify: wanted.verify ?? input.verify,
    once: input.once || wanted.once,
    deletions: asked.filter(({ kind }) => kind === 'deleted'),
    carried,
    compared: takeCompared(run),
    carryOn: (done) => goOn(run, { ...done, asked }),
  });
  run.work = addWork(run.work, work);
  run.failed = failure && failed(failure);
  run.evidence = [];
  settled(run, failure && failure.retry !== 'never' ? unsettled + 1 : unsettled);
  const failing = failure ? { failure } : {};
  await answer(wanted.replyTo, { repository: step.repository, work, unsettled, summary: summarize(work), ...failing });
}

/** Once, and while it is fresh; a notice may tell of what has changed since. */
function takeCompared(run: Run): CompareRepositoryResult | undefined {
  const { compared } = run;
  run.compared = undefined;
  // A worker of before may have begun this run, and compared all the same.
  if (!compared || !patched('begin-compared')) return undefined;
  return run.serving.length === 0 && isJustNow(compared.look) ? compared : undefined;
}

/** What a run ends with that could not bring manifests over which are no images: nothing else would tell of them. */
function failed(failure: Failure): NonNullable<Run['failed']> {
  return { failure, thrown: ApplicationFailure.nonRetryable(failure.message, failure.code, failure) };
}

function owe(run: Run, digests: readonly Digest[]): void {
  run.owed = [...run.owed, ...digests.map((digest): Notice => ({ kind: 'digest', digest, receivedAt: Date.now() }))];
}

function owedNow(run: Run): readonly Notice[] {
  if (!run.scan) return [];
  const { owed } = run;
  run.owed = [];
  return owed;
}

/** A scan is over, well or not. */
function settled(run: Run, unsettled: number): void {
  run.carried = undefined;
  run.scan = false;
  run.dueAt = undefined;
  run.unsettled = unsettled;
  run.attempts = unsettled > 0 ? run.attempts + 1 : 0;
}

/** Waits until nothing new has come for a while; a notice that somebody waits for is not delayed. @returns whether anything has */
async function quiet(run: Run): Promise<boolean> {
  const { notices } = run;
  if (notices.length === 0) await condition(() => notices.length > 0 || (run.undone.size > 0 && run.undoing === 0));
  if (notices.length === 0) return false;
  const until = Date.now() + LONGEST_QUIET_MS;
  for (;;) {
    const known = notices.length;
    if (notices.some(isUrgent) || Date.now() >= until) return true;
    if (notices.every((notice) => notice.kind === 'repair')) return true;
    if (!(await condition(() => notices.length > known, QUIET_MS))) return true;
  }
}

/**
 * Subjects at the secondary whose referrers changed, and manifests without a tag where they are wanted, are brought up to date by digest; where that
 * fails, a scan follows.
 * @returns why the secondary does not take one that no tag names
 */
async function syncDigests(run: Run, digests: readonly Digest[]): Promise<Failure | undefined> {
  const { step } = run;
  const { lookAtDigests } = siteActivities(step.policy.site, 'bulk');
  const looked = await lookAtDigests(
    { ...step, digests },
    { summary: `${step.repository}: ${count(digests.length, 'digest')} without a tag` },
  );
  if (looked.subjects.length === 0) return undefined;
  const subjects = looked.subjects.map((digest) => ({ digest }));
  const copied = await copyRound({ step, lane: 'bulk', depth: 'shallow' }, subjects);
  run.work = addWork(run.work, copied.work);
  // Gone: its referrers have nothing to refer to any more.
  const left = copied.published.filter(({ state }) => state !== 'verified' && state !== 'gone').length + copied.failures.length;
  if (left === 0) return undefined;
  run.attempts = Math.max(1, run.attempts);
  run.unsettled = Math.max(left, run.unsettled);
  if (step.policy.untagged !== 'all') return undefined;
  const failures = failuresOf(copied);
  if (failures.every(({ failure }) => failure.retry === 'never')) return failures[0]?.failure;
  owe(
    run,
    failures.flatMap(({ digest }) => digest ?? []),
  );
  return undefined;
}

function nothingDone(run: Run): { repository: string; work: Work; unsettled: number; summary: string } {
  return { repository: run.step.repository, work: NO_WORK, unsettled: run.unsettled, summary: summarize(NO_WORK) };
}

function summarize(work: Work): string {
  const parts = [`${count(work.synced, 'image')} verified, ${formatBytes(work.bytesCopied)} copied`];
  if (work.deleted > 0) parts.push(`${work.deleted} deleted`);
  if (work.failed > 0) parts.push(`${work.failed} failed`);
  return parts.join(', ');
}
