import {
  ApplicationFailure,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { backoffMs } from '../src/model/backoff.ts';
import { failureOf, type Failure } from '../src/model/failure.ts';
import { bulkQueue, PRIORITY, SEARCH_ATTRIBUTES, syncRepositoryId, WORKFLOWS } from '../src/model/names.ts';
import {
  addWork,
  NO_WORK,
  type BackfillCarried,
  type BackfillProgress,
  type BackfillSiteInput,
  type Scanned,
  type SyncRepositoryInput,
  type SyncRepositoryResult,
} from '../src/model/steps.ts';
import { count } from '../src/model/text.ts';
import { control, siteActivities } from './activities.ts';
import { activityFailure } from './activity-failure.ts';
import { noticed, pause, progress as progressQuery, resume, scanned } from './messages.ts';

/** Repositories a page, and children at once: beyond these a parent's history grows too fast. */
const REPOSITORIES_A_PAGE = 200;
const MAX_CHILDREN = 50;
const SITE_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.site, SearchAttributeType.KEYWORD);
const REPOSITORY_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.repository, SearchAttributeType.KEYWORD);

/** Failures named in the progress; the ledger has them all. */
const FAILURES_NAMED = 20;
/** A comparison that was asked of a running workflow and never answered: that workflow was terminated. */
const ANSWER_WITHIN = '1 hour';

/**
 * Pages through the primary's catalog, and then through what only the ledger knows, and has every repository compared and brought over.
 * @returns the progress at the end, with the work of all repositories
 */
export async function backfillSite(input: BackfillSiteInput): Promise<BackfillProgress> {
  const run = createRun(input);
  for (let attempts = 0; ;) {
    await run.unpaused();
    let page;
    try {
      page = await run.nextPage();
      attempts = 0;
    } catch (thrown) {
      const failure = activityFailure(thrown);
      await run.fail(failure);
      if (input.once) throw ApplicationFailure.nonRetryable(failure.message, failure.code, failure);
      attempts += 1;
      await sleep(backoffMs(attempts, Math.random()));
      continue;
    }
    if (!page) return run.finish();
    await run.eachRepository(page);
    await run.record();
    // Children are drained here: continuing as new would end them.
    if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof backfillSite>({ ...input, carried: run.carried() });
  }
}

function createRun(input: BackfillSiteInput) {
  const { policy } = input;
  let state: BackfillCarried = input.carried ?? freshRun();
  let paused = false;
  const answers = new Map<string, Scanned>();
  setHandler(pause, () => {
    paused = true;
  });
  setHandler(resume, () => {
    paused = false;
  });
  setHandler(scanned, (answer) => {
    answers.set(answer.repository, answer);
  });
  setHandler(progressQuery, () => ({ ...state.progress, state: paused ? 'paused' : state.progress.state }));

  const update = (change: Partial<BackfillProgress>): void => {
    state = { ...state, progress: { ...state.progress, ...change } };
  };

  async function syncOne(repository: string): Promise<SyncRepositoryResult> {
    const args: [SyncRepositoryInput] = [{ policy, repository, mode: 'scan', verify: input.verify, once: input.once }];
    try {
      return await executeChild<(input: SyncRepositoryInput) => Promise<SyncRepositoryResult>>(WORKFLOWS.syncRepository, {
        workflowId: syncRepositoryId(policy.site, repository),
        taskQueue: bulkQueue(policy.site),
        args,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        priority: { priorityKey: PRIORITY.backfill },
        staticSummary: `${policy.site}: ${repository}, compared and brought over`,
        typedSearchAttributes: attributesOf(policy.site, repository),
      });
    } catch (thrown) {
      if (!isAlreadyStarted(thrown)) throw thrown;
      return askRunning(repository);
    }
  }

  /** It runs already, for an event or a back-off: ask it to compare, and wait for its word. */
  async function askRunning(repository: string): Promise<SyncRepositoryResult> {
    answers.delete(repository);
    const { workflowId } = workflowInfo();
    const handle = getExternalWorkflowHandle(syncRepositoryId(policy.site, repository));
    try {
      await handle.signal(noticed, { kind: 'compare', receivedAt: Date.now(), verify: input.verify, replyTo: workflowId });
    } catch (thrown) {
      if (isCancellation(thrown)) throw thrown;
      // It ended in between.
      return syncOne(repository);
    }
    await condition(() => answers.has(repository), ANSWER_WITHIN);
    const answer = answers.get(repository);
    if (answer) return answer;
    throw Object.assign(new Error(`sync-repository/${policy.site}/${repository} runs, but did not answer within ${ANSWER_WITHIN}`), {
      code: 'STALLED',
      retry: 'later',
    });
  }

  async function settle(repository: string): Promise<void> {
    try {
      const result = await syncOne(repository);
      update({ done: state.progress.done + 1, work: addWork(state.progress.work, result.work) });
      if (result.unsettled > 0) await keepTrying(repository);
    } catch (thrown) {
      if (isCancellation(thrown)) throw thrown;
      update({
        done: state.progress.done + 1,
        work: addWork(state.progress.work, { failed: 1 }),
        failures: named(state.progress, repository, childFailure(thrown)),
      });
      await keepTrying(repository);
    }
  }

  /** Its back-off is its own: the backfill goes on. Who runs one by hand looks at the result instead. */
  async function keepTrying(repository: string): Promise<void> {
    if (input.once) return;
    await control.startLook(
      { policy, repository, looks: [], notices: [{ kind: 'repair', receivedAt: Date.now() }] },
      { summary: `${repository}: try again what failed` },
    );
  }

  return {
    carried: () => state,
    unpaused: () => condition(() => !paused),
    async nextPage(): Promise<readonly string[] | undefined> {
      const { listRepositories } = siteActivities(policy.site, 'bulk');
      if (!state.catalogDone) {
        const page = await listRepositories(
          { policy, limit: REPOSITORIES_A_PAGE, ...(state.after === undefined ? {} : { after: state.after }) },
          { summary: `${policy.site}: the primary's catalog, page ${state.pages + 1}`, priority: PRIORITY.backfill },
        );
        const { after: _done, ...rest } = state;
        state = {
          ...rest,
          look: state.pages === 0 ? page.look : state.look,
          pages: state.pages + 1,
          catalogDone: page.next === undefined,
          ...(page.next === undefined ? {} : { after: page.next }),
        };
        update({ total: state.progress.total + page.repositories.length, excluded: state.progress.excluded + page.excluded });
        return page.repositories;
      }
      const { repositories } = await control.knownRepositories(
        {
          policy,
          scannedBefore: state.look,
          limit: REPOSITORIES_A_PAGE,
          ...(state.knownAfter === undefined ? {} : { after: state.knownAfter }),
        },
        { summary: `${policy.site}: repositories that only the ledger knows` },
      );
      const last = repositories.at(-1);
      if (last === undefined) return undefined;
      state = { ...state, knownAfter: last };
      update({ total: state.progress.total + repositories.length });
      return repositories;
    },
    async eachRepository(repositories: readonly string[]): Promise<void> {
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < repositories.length) {
          const repository = repositories[next++] as string;
          await condition(() => !paused);
          await settle(repository);
        }
      };
      await Promise.all(Array.from({ length: Math.min(input.concurrency, MAX_CHILDREN, repositories.length) }, lane));
    },
    /** The catalog cannot be read: said where people look, and tried again unless somebody waits for the end. */
    async fail(failure: Failure): Promise<void> {
      update({ state: 'failed', failures: [{ repository: '', failure }] });
      await control.recordBackfill({ site: policy.site, progress: state.progress }, { summary: `${policy.site}: ${failure.message}` });
      update({ state: 'running' });
    },
    async record(): Promise<void> {
      const { progress } = state;
      await control.recordBackfill(
        { site: policy.site, progress },
        { summary: `${policy.site}: ${progress.done} of ${progress.total} repositories` },
      );
    },
    async finish(): Promise<BackfillProgress> {
      update({ state: 'done' });
      const { progress } = state;
      const catalog = {
        scan: workflowInfo().firstExecutionRunId,
        startedAt: state.look,
        pages: state.pages,
        complete: true,
        listed: progress.total,
        excluded: progress.excluded,
      };
      await control.recordBackfill(
        { site: policy.site, progress, catalog },
        { summary: `${policy.site}: ${count(progress.done, 'repository').replace(/ys$/, 'ies')} done` },
      );
      return progress;
    },
  };
}

/** Only where this run has them itself: a namespace without these attributes refuses a start that names them. */
function attributesOf(site: string, repository: string): SearchAttributePair[] {
  const known = workflowInfo().typedSearchAttributes.get(SITE_ATTRIBUTE);
  return known === undefined
    ? []
    : [
        { key: SITE_ATTRIBUTE, value: site },
        { key: REPOSITORY_ATTRIBUTE, value: repository },
      ];
}

function freshRun(): BackfillCarried {
  const progress: BackfillProgress = { state: 'running', done: 0, total: 0, excluded: 0, failures: [], work: NO_WORK };
  return { startedAt: Date.now(), look: Date.now(), pages: 0, catalogDone: false, progress };
}

function isAlreadyStarted(thrown: unknown): boolean {
  return (thrown as { name?: unknown } | null)?.name === 'WorkflowExecutionAlreadyStartedError';
}

function childFailure(thrown: unknown): Failure {
  if (!(thrown instanceof ChildWorkflowFailure)) return failureOf(thrown);
  try {
    return activityFailure(thrown.cause);
  } catch {
    return { code: 'INTERNAL', message: thrown.cause?.message ?? thrown.message, retry: 'later' };
  }
}

function named(progress: BackfillProgress, repository: string, failure: Failure): BackfillProgress['failures'] {
  return [...progress.failures, { repository, failure }].slice(0, FAILURES_NAMED);
}
