import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import {
  condition,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { TwinportError } from '../src/model/failure.ts';
import { bulkQueue, PRIORITY, SEARCH_ATTRIBUTES, syncRepositoryId, WORKFLOWS } from '../src/model/names.ts';
import type { BackfillSiteInput, Scanned, SyncRepositoryInput, SyncRepositoryResult } from '../src/model/steps.ts';
import { noticed } from './messages.ts';

/** A large repository takes its time; one whose workflow was terminated never answers, and cannot be asked again. */
const ASK_AGAIN_AFTER = '10 minutes';
/** What is being cancelled has ended by then. */
const ENDED_AFTER = '1 second';

const SITE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.site, SearchAttributeType.KEYWORD);
const REPOSITORY = defineSearchAttributeKey(SEARCH_ATTRIBUTES.repository, SearchAttributeType.KEYWORD);

type SyncRepository = (input: SyncRepositoryInput) => Promise<SyncRepositoryResult>;

/**
 * Has one repository compared and brought over: by a child, or by the workflow that runs for it already, which is asked to compare and awaited.
 * @param which `compared`: what a child begins with, where that was just compared
 * @param answers what running workflows said, by repository
 */
export async function runRepository(
  input: BackfillSiteInput,
  which: Pick<SyncRepositoryInput, 'repository' | 'compared'>,
  answers: Map<string, Scanned>,
): Promise<SyncRepositoryResult> {
  const { repository } = which;
  for (let tries = 1; ; tries++) {
    try {
      // What ran meanwhile may have changed what was compared before.
      return await runChild(input, tries === 1 ? which : { repository });
    } catch (thrown) {
      if (!isAlreadyStarted(thrown)) throw thrown;
    }
    const answer = await askRunning(input, repository, answers);
    // None: it ended in between, and the child may start now.
    if (answer) return answer;
  }
}

function runChild(
  { policy, verify, once }: BackfillSiteInput,
  { repository, compared }: Pick<SyncRepositoryInput, 'repository' | 'compared'>,
): Promise<SyncRepositoryResult> {
  return executeChild<SyncRepository>(WORKFLOWS.syncRepository, {
    workflowId: syncRepositoryId(policy.site, repository),
    taskQueue: bulkQueue(policy.site),
    args: [{ policy, repository, mode: 'scan', verify, once, ...(compared ? { compared } : {}) }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    priority: { priorityKey: PRIORITY.backfill },
    staticSummary: `${policy.site}: ${repository}, compared and brought over`,
    typedSearchAttributes: attributesOf(policy.site, repository),
  });
}

async function askRunning(input: BackfillSiteInput, repository: string, answers: Map<string, Scanned>): Promise<Scanned | undefined> {
  answers.delete(repository);
  do {
    if (!(await ask(input, repository))) return undefined;
  } while (!(await condition(() => answers.has(repository), ASK_AGAIN_AFTER)));
  const answer = answers.get(repository);
  if (answer?.failure === undefined) return answer;
  const { code, message, retry } = answer.failure;
  if (code !== 'CANCELLED') throw new TwinportError(code, message, { retry });
  await sleep(ENDED_AFTER);
  return undefined;
}

/** @returns false if the repository's workflow has ended meanwhile */
async function ask({ policy, verify, once }: BackfillSiteInput, repository: string): Promise<boolean> {
  try {
    const running = getExternalWorkflowHandle(syncRepositoryId(policy.site, repository));
    await running.signal(noticed, { kind: 'compare', receivedAt: Date.now(), verify, replyTo: workflowInfo().workflowId, once });
    return true;
  } catch (thrown) {
    if (isCancellation(thrown)) throw thrown;
    return false;
  }
}

/** Only where this run has them itself: a namespace without these attributes refuses a start that names them. */
function attributesOf(site: string, repository: string): SearchAttributePair[] {
  if (workflowInfo().typedSearchAttributes.get(SITE) === undefined) return [];
  return [
    { key: SITE, value: site },
    { key: REPOSITORY, value: repository },
  ];
}

function isAlreadyStarted(thrown: unknown): boolean {
  return (thrown as { name?: unknown } | null)?.name === 'WorkflowExecutionAlreadyStartedError';
}
