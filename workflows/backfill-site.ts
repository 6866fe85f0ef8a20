import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { backoffMs } from '../src/model/backoff.ts';
import { failureOf, type Failure } from '../src/model/failure.ts';
import { PRIORITY } from '../src/model/names.ts';
import type {
  BackfillCarried,
  BackfillProgress,
  BackfillSiteInput,
  CatalogPage,
  CompareRepositoryResult,
  Scanned,
} from '../src/model/steps.ts';
import { addWork, NO_WORK, type Work } from '../src/model/work.ts';
import { control, siteActivities } from './activities.ts';
import { activityFailure } from './activity-failure.ts';
import { compareAhead, type ComparedAhead } from './compare-ahead.ts';
import { again, pause, progress as progressQuery, resume, scanned } from './messages.ts';
import { runRepository } from './repository-run.ts';
import { settleTogether } from './settle-together.ts';

/** Repositories a page, and children at once: beyond these a parent's history grows too fast. */
const REPOSITORIES_A_PAGE = 200;
const MAX_CHILDREN = 50;
/** Repositories between two records of the progress. */
const RECORDED_EVERY = 25;
/** Failures named in the progress; the ledger has them all. */
const FAILURES_NAMED = 20;

/**
 * Pages through the primary's catalog, and then through what only the ledger knows, and has every repository compared and brought over.
 * @returns the progress at the end, with the work of all repositories
 */
export async function backfillSite(input: BackfillSiteInput): Promise<BackfillProgress> {
  const run = startRun(input);
  try {
    return await pageThrough(run);
  } catch (thrown) {
    if (isCancellation(thrown)) await CancellationScope.nonCancellable(() => recordCancellation(run));
    throw thrown;
  }
}

async function pageThrough(run: Run): Promise<BackfillProgress> {
  const { input } = run;
  for (let attempts = 0; ;) {
    // No children run here: continuing as new would end them.
    if (workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof backfillSite>({ ...input, carried: { ...run.state, paused: run.paused } });
    }
    await condition(() => !run.paused);
    // A failure before this one is recorded.
    const page = await nextPage(run, attempts > 0);
    if ('failure' in page) {
      await recordFailure(run, page.failure);
      if (input.once) throw ApplicationFailure.nonRetryable(page.failure.message, page.failure.code, page.failure);
      attempts += 1;
      await sleep(backoffMs(attempts, Math.random()));
      continue;
    }
    attempts = 0;
    if (page.last) {
      const progress = await finish(run);
      // No await from here to the end: who asks meanwhile would not be heard.
      return run.again && patched('scan-again') ? scanAgain(run, run.again) : progress;
    }
    // Before the work, too: who looks at a first backfill wants to see how far it is.
    await record(run, page.listed ? { startedAt: run.state.look, repositories: page.repositories } : undefined);
    if (page.listed) {
      const left = await unsettled(run, page.repositories);
      await eachRepository(run, left, patched('compare-ahead') ? run.ahead(left) : undefined);
    } else await eachRepository(run, page.repositories);
  }
}

/** Those of a page of the catalog that take a workflow of their own: of most a look at both sides says that there is nothing to do. */
async function unsettled(run: Run, repositories: readonly string[]): Promise<readonly string[]> {
  // All is to be read back, by each repository's own workflow.
  if (run.input.verify !== 'auto' || !patched('settle-together')) return repositories;
  return settleTogether(run.input, scanOf(run), repositories, {
    begin: () => condition(() => !run.paused),
    async done(settled) {
      const before = run.state.progress.done;
      update(run, { done: before + settled });
      if (Math.floor((before + settled) / RECORDED_EVERY) > Math.floor(before / RECORDED_EVERY)) await record(run);
    },
  });
}

/** What changed behind this scan's back is found by another one; whoever waits for the end is told the work of both. */
function scanAgain(run: Run, input: BackfillSiteInput): Promise<never> {
  const { progress, ...fresh } = freshState();
  const carried = { ...fresh, progress: { ...progress, work: run.state.progress.work }, paused: run.paused };
  return continueAsNew<typeof backfillSite>({ ...input, carried });
}

interface Run {
  readonly input: BackfillSiteInput;
  /** The primary has been asked. */
  begun: boolean;
  /** Somebody wants what lies behind this scan looked at, too. */
  again: BackfillSiteInput | undefined;
  readonly answers: Map<string, Scanned>;
  readonly ahead: ReturnType<typeof compareAhead>;
  paused: boolean;
  state: BackfillCarried;
}

function startRun(input: BackfillSiteInput): Run {
  const { carried = freshState() } = input;
  const begun = carried.pages > 0;
  const state = begun ? carried : { ...carried, scan: workflowInfo().runId };
  const ahead = compareAhead(input);
  const run: Run = { input, ahead, answers: new Map(), begun, again: undefined, paused: carried.paused ?? false, state };
  setHandler(pause, () => {
    run.paused = true;
  });
  setHandler(resume, () => {
    run.paused = false;
  });
  setHandler(again, (asked) => {
    if (run.begun) run.again = run.again?.verify === 'deep' ? { ...asked, verify: 'deep' } : asked;
  });
  setHandler(scanned, (answer) => {
    run.answers.set(answer.repository, answer);
  });
  setHandler(progressQuery, () => (run.paused ? { ...run.state.progress, state: 'paused' } : run.state.progress));
  return run;
}

function freshState(): BackfillCarried {
  const startedAt = Date.now();
  const progress: BackfillProgress = { state: 'running', done: 0, total: 0, excluded: 0, failures: [], work: NO_WORK, startedAt };
  return { startedAt, look: Date.now(), pages: 0, catalogDone: false, progress };
}

/** Its name in the ledger. */
function scanOf(run: Run): string {
  return run.state.scan ?? workflowInfo().firstExecutionRunId;
}

function update(run: Run, change: Partial<BackfillProgress>): void {
  run.state = { ...run.state, progress: { ...run.state.progress, ...change } };
}

interface RepositoriesPage {
  readonly repositories: readonly string[];
  readonly last: boolean;
  /** By the primary's catalog, and not by the ledger. */
  readonly listed: boolean;
}

type Page = RepositoriesPage | { readonly failure: Failure };

/** The catalog's next page; after its last one, what only the ledger knows: else a repository that vanished is never seen. */
async function nextPage(run: Run, patient: boolean): Promise<Page> {
  run.begun = true;
  try {
    const page = run.state.catalogDone ? await knownPage(run) : await catalogPage(run, patient);
    update(run, { state: 'running', total: run.state.progress.total + page.repositories.length });
    return page;
  } catch (thrown) {
    return { failure: activityFailure(thrown) };
  }
}

async function catalogPage(run: Run, patient: boolean): Promise<RepositoriesPage> {
  const { policy } = run.input;
  const { after, ...state } = run.state;
  const { listRepositories } = siteActivities(policy.site, 'bulk');
  const page = await listRepositories(
    { policy, limit: REPOSITORIES_A_PAGE, ...(patient ? { patient } : {}), ...(after === undefined ? {} : { after }) },
    { summary: `${policy.site}: the primary's catalog, page ${state.pages + 1}`, priority: PRIORITY.backfill },
  );
  const look = state.pages === 0 ? page.look : state.look;
  const cursor = page.next === undefined ? { catalogDone: true } : { after: page.next };
  run.state = { ...state, look, pages: state.pages + 1, ...cursor };
  update(run, { excluded: run.state.progress.excluded + page.excluded });
  return { repositories: page.repositories, last: false, listed: true };
}

async function knownPage(run: Run): Promise<RepositoriesPage> {
  const { policy } = run.input;
  const { look, knownAfter } = run.state;
  const { repositories } = await control.knownRepositories(
    { policy, scannedBefore: look, limit: REPOSITORIES_A_PAGE, ...(knownAfter === undefined ? {} : { after: knownAfter }) },
    { summary: `${policy.site}: repositories that only the ledger knows` },
  );
  const last = repositories.at(-1);
  if (last !== undefined) run.state = { ...run.state, knownAfter: last };
  // One that could not be compared has no scan of this run either, and is not tried twice.
  const failed = new Set(run.state.progress.failures.map(({ repository }) => repository));
  return { repositories: repositories.filter((repository) => !failed.has(repository)), last: last === undefined, listed: false };
}

async function eachRepository(run: Run, repositories: readonly string[], ahead?: ComparedAhead): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < repositories.length) {
      const repository = repositories[next++] as string;
      await condition(() => !run.paused);
      const compared = await ahead?.(repository);
      await condition(() => !run.paused);
      await settle(run, repository, compared);
    }
  };
  await Promise.all(Array.from({ length: Math.min(run.input.concurrency, MAX_CHILDREN, repositories.length) }, lane));
}

async function settle(run: Run, repository: string, compared: CompareRepositoryResult | undefined): Promise<void> {
  const { work, unsettled, failure } = await outcomeOf(run, repository, compared);
  const { progress } = run.state;
  const failures = failure ? [...progress.failures, { repository, failure }].slice(0, FAILURES_NAMED) : progress.failures;
  update(run, { done: progress.done + 1, work: addWork(progress.work, work), failures });
  // Who cancelled a repository's workflow does not want it started again.
  if (unsettled > 0 && failure?.code !== 'CANCELLED') await keepTrying(run, repository);
  if (run.state.progress.done % RECORDED_EVERY === 0) await record(run);
}

async function outcomeOf(
  run: Run,
  repository: string,
  compared: CompareRepositoryResult | undefined,
): Promise<{ work: Partial<Work>; unsettled: number; failure?: Failure }> {
  try {
    return await runRepository(run.input, { repository, ...(compared ? { compared } : {}) }, run.answers);
  } catch (thrown) {
    // A child that was cancelled by itself throws a cancellation too.
    if (CancellationScope.current().consideredCancelled) throw thrown;
    return { work: { failed: 1 }, unsettled: 1, failure: childFailure(thrown, repository) };
  }
}

/** Its back-off is its own: the backfill goes on. Who runs one by hand looks at the result instead. */
async function keepTrying(run: Run, repository: string): Promise<void> {
  const { policy, once } = run.input;
  if (once) return;
  const notices = [{ kind: 'repair' as const, receivedAt: Date.now() }];
  await control.startLook({ policy, repository, looks: [], notices }, { summary: `${repository}: try again what failed` });
}

function childFailure(thrown: unknown, repository: string): Failure {
  if (isCancellation(thrown)) return { code: 'CANCELLED', message: `the workflow of ${repository} was cancelled`, retry: 'never' };
  if (!(thrown instanceof ChildWorkflowFailure)) return failureOf(thrown);
  // A failure of its own, as it put it into words.
  if (thrown.cause instanceof ApplicationFailure && thrown.cause.details?.[0]) return thrown.cause.details[0] as Failure;
  try {
    return activityFailure(thrown.cause);
  } catch {
    return { code: 'INTERNAL', message: thrown.cause?.message ?? thrown.message, retry: 'later' };
  }
}

async function record(run: Run, listed?: CatalogPage): Promise<void> {
  const { site } = run.input.policy;
  const { progress } = run.state;
  await control.recordBackfill(
    { site, progress, ...(listed ? { listed } : {}) },
    { summary: `${site}: ${progress.done} of ${progress.total} repositories` },
  );
}

/** The catalog cannot be read: said where people look, until it can. */
async function recordFailure(run: Run, failure: Failure): Promise<void> {
  const { site } = run.input.policy;
  update(run, { state: 'failed' });
  const progress: BackfillProgress = { ...run.state.progress, failures: [{ repository: '', failure }] };
  await control.recordBackfill({ site, progress }, { summary: `${site}: ${failure.message}` });
}

/** Else the ledger would say for ever that it runs. */
async function recordCancellation(run: Run): Promise<void> {
  const { site } = run.input.policy;
  update(run, { state: 'cancelled' });
  await control.recordBackfill({ site, progress: run.state.progress }, { summary: `${site}: cancelled` });
}

async function finish(run: Run): Promise<BackfillProgress> {
  update(run, { state: 'done' });
  const { site } = run.input.policy;
  const { progress, look, pages } = run.state;
  const catalog = {
    scan: scanOf(run),
    startedAt: look,
    pages,
    complete: true,
    listed: progress.total,
    excluded: progress.excluded,
  };
  await control.recordBackfill({ site, progress, catalog }, { summary: `${site}: all ${progress.total} repositories done` });
  return progress;
}
