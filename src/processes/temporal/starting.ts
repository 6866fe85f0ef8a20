import { WorkflowNotFoundError, type Client, type WorkflowStartOptions } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../../model/names.ts';

/** Namespaces that refused the search attributes; asking again each time would cost a call a push. */
const refusing = new WeakSet<Client>();

const SITE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.site, SearchAttributeType.KEYWORD);
const REPOSITORY = defineSearchAttributeKey(SEARCH_ATTRIBUTES.repository, SearchAttributeType.KEYWORD);

/** Starts with the search attributes, and without them where the namespace does not have them. */
export async function withAttributes<T>(
  client: Client,
  site: string,
  repository: string | undefined,
  start: (options: Pick<WorkflowStartOptions, 'typedSearchAttributes'>) => Promise<T>,
): Promise<T> {
  if (refusing.has(client)) return start({});
  const pairs: SearchAttributePair[] = [{ key: SITE, value: site }];
  if (repository !== undefined) pairs.push({ key: REPOSITORY, value: repository });
  try {
    return await start({ typedSearchAttributes: pairs });
  } catch (thrown) {
    if (!refusesAttributes(thrown)) throw thrown;
    refusing.add(client);
    return start({});
  }
}

/** A run that was started, or that ran already and was joined. */
export interface StartedRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly joined: boolean;
}

/** The first run id of the open run of a workflow. */
export async function runningRun(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const described = await client.workflow.getHandle(workflowId).describe();
    return described.status.name === 'RUNNING' ? (described.raw.workflowExecutionInfo?.firstRunId ?? described.runId) : undefined;
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return undefined;
    throw thrown;
  }
}

function refusesAttributes(thrown: unknown): boolean {
  return /search attribute/i.test(textOf(thrown));
}

/** The texts of an error and of its causes. */
export function textOf(thrown: unknown): string {
  const { message, details, cause } = (thrown ?? {}) as { message?: unknown; details?: unknown; cause?: unknown };
  const own = [message, details].filter((part) => typeof part === 'string').join(' ');
  return cause === undefined ? own : `${own} ${textOf(cause)}`;
}
