import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { TwinportError } from '../../model/failure.ts';
import { bulkQueue, pushQueue, SIGNALS, syncImageId, syncRepositoryId, WORKFLOWS } from '../../model/names.ts';
import type { SitePolicy } from '../../model/policy.ts';
import type { Look, Notice, StartLookInput, SyncImageInput, SyncRepositoryInput } from '../../model/steps.ts';
import { textOf, withAttributes } from './starting.ts';

/** A workflow takes only so many signals. An image's has a look pending then, whatever this one says; a notice is not like another. */
const SIGNALS_FULL = /exceeded.*signal/i;

/**
 * Makes sure that somebody looks: each look signals its image's workflow, each notice its repository's, started if it does not run.
 * Once it returns, Temporal holds the look.
 * @throws {TwinportError} RATE_LIMITED: the repository's workflow takes no more notices until it has continued as new
 * @throws whatever the client throws when Temporal is away or slower than `deadlineMs`
 */
export async function sendLook(client: Client, input: StartLookInput, options: { deadlineMs?: number } = {}): Promise<void> {
  const send = async (): Promise<void> => {
    await Promise.all([
      ...input.looks.map((look) =>
        signalImage(client, input.policy, input.repository, look.tag, { signal: SIGNALS.pushed, signalArgs: [look] }),
      ),
      ...input.notices.map((notice) => signalRepository(client, input.policy, input.repository, notice)),
    ]);
  };
  if (options.deadlineMs === undefined) await send();
  else await client.withDeadline(Date.now() + options.deadlineMs, send);
}

/** Wakes an image that sleeps in its back-off, or starts its workflow: `twinport retry`. */
export async function wakeImage(client: Client, policy: SitePolicy, repository: string, tag: string): Promise<void> {
  await signalImage(client, policy, repository, tag, { signal: SIGNALS.retry, signalArgs: [] });
}

/** Cancels the present run of a workflow; the next event or scan starts anew. */
export async function cancelRun(client: Client, workflowId: string): Promise<'cancelled' | 'not-running'> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    // A cancel of an ended run is accepted without a word.
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return 'not-running';
    await handle.cancel();
    return 'cancelled';
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return 'not-running';
    throw thrown;
  }
}

async function signalImage(
  client: Client,
  policy: SitePolicy,
  repository: string,
  tag: string,
  message: { signal: string; signalArgs: Look[] },
): Promise<void> {
  const input: SyncImageInput = { policy, repository, tag };
  await unlessFull(() =>
    withAttributes(client, policy.site, repository, (attributes) =>
      client.workflow.signalWithStart<(input: SyncImageInput) => Promise<unknown>, Look[]>(WORKFLOWS.syncImage, {
        ...attributes,
        ...message,
        workflowId: syncImageId(policy.site, repository, tag),
        taskQueue: pushQueue(policy.site),
        args: [input],
        staticSummary: `${policy.site}: ${repository}:${tag}`,
        staticDetails: `Makes \`${repository}:${tag}\` at **${policy.site}** equal to the primary's. Signal \`retry\` ends a back-off; cancelling stops this run alone.`,
      }),
    ),
  );
}

async function signalRepository(client: Client, policy: SitePolicy, repository: string, notice: Notice): Promise<void> {
  const input: SyncRepositoryInput = { policy, repository, mode: 'notices', verify: 'auto', once: false };
  const taken = await unlessFull(() =>
    withAttributes(client, policy.site, repository, (attributes) =>
      client.workflow.signalWithStart<(input: SyncRepositoryInput) => Promise<unknown>, [Notice]>(WORKFLOWS.syncRepository, {
        ...attributes,
        workflowId: syncRepositoryId(policy.site, repository),
        taskQueue: bulkQueue(policy.site),
        args: [input],
        signal: SIGNALS.noticed,
        signalArgs: [notice],
        staticSummary: `${policy.site}: ${repository}, by events`,
        staticDetails: `Looks at what tagless pushes, deletes and failures left to do in \`${repository}\` at **${policy.site}**.`,
      }),
    ),
  );
  if (!taken) throw new TwinportError('RATE_LIMITED', `the workflow of ${repository} takes no more notices for now`);
}

/** @returns whether there was room for the signal */
async function unlessFull(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (thrown) {
    if (!SIGNALS_FULL.test(textOf(thrown))) throw thrown;
    return false;
  }
}
