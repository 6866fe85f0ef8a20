import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { condition, executeChild, getExternalWorkflowHandle, isCancellation, ParentClosePolicy, workflowInfo } from '@temporalio/workflow';
import { TwinportError } from '../src/model/failure.ts';
import { bulkQueue, PRIORITY, SEARCH_ATTRIBUTES, syncRepositoryId, WORKFLOWS } from '../src/model/names.ts';
import type { BackfillSiteInput, Scanned, SyncRepositoryInput, SyncRepositoryResult } from '../src/model/steps.ts';
import { noticed } from './messages.ts';

/** A comparison that was asked of a running workflow and never answered: that workflow was terminated. */
const ANSWER_WITHIN = '1 hour';

const SITE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.site, SearchAttributeType.KEYWORD);
const REPOSITORY = defineSearchAttributeKey(SEARCH_ATTRIBUTES.repository, SearchAttributeType.KEYWORD);

type SyncRepository = (input: SyncRepositoryInput) => Promise<SyncRepositoryResult>;

/**
 * Has one repository compared and brought over: by a child, or by the workflow that runs for it already, which is asked to compare and awaited.
 * @param answers what running workflows said, by repository
 */
export async function runRepository(
  input: BackfillSiteInput,
  repository: string,
  answers: Map<string, Scanned>,
): Promise<SyncRepositoryResult> {
  for (;;) {
    try {
      return await runChild(input, repository);
    } catch (thrown) {
      if (!isAlreadyStarted(thrown)) throw thrown;
    }
    const answer = await askRunning(input, repository, answers);
    // None: it ended in between, and the child may start now.
    if (answer) return answer;
  }
}

function runChild({ policy, verify, once }: BackfillSiteInput, repository: string): Promise<SyncRepositoryResult> {
  return executeChild<SyncRepository>(WORKFLOWS.syncRepository, {
    workflowId: syncRepositoryId(policy.site, repository),
    taskQueue: bulkQueue(policy.site),
    args: [{ policy, repository, mode: 'scan', verify, once }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    priority: { priorityKey: PRIORITY.backfill },
    staticSummary: `${policy.site}: ${repository}, compared and brought over`,
    typedSearchAttributes: attributesOf(policy.site, repository),
  });
}

async function askRunning(input: BackfillSiteInput, repository: string, answers: Map<string, Scanned>): Promise<Scanned | undefined> {
  answers.delete(repository);
  const { site } = input.policy;
  try {
    const running = getExternalWorkflowHandle(syncRepositoryId(site, repository));
    await running.signal(noticed, { kind: 'compare', receivedAt: Date.now(), verify: input.verify, replyTo: workflowInfo().workflowId });
  } catch (thrown) {
    if (isCancellation(thrown)) throw thrown;
    return undefined;
  }
  if (await condition(() => answers.has(repository), ANSWER_WITHIN)) return answers.get(repository);
  throw new TwinportError('STALLED', `${syncRepositoryId(site, repository)} runs, but did not answer within ${ANSWER_WITHIN}`);
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
