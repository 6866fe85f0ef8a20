import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { bulkQueue, QUERIES, SIGNALS, verifySiteId, WORKFLOWS } from '../../model/names.ts';
import type { VerifyProgress, VerifySiteInput } from '../../model/steps.ts';
import { runningRun, withAttributes, type StartedRun } from './starting.ts';

type VerifySite = (input: VerifySiteInput) => Promise<VerifyProgress>;

/** Starts a site's verification under its fixed id, or joins the running one. */
export async function startVerify(client: Client, input: VerifySiteInput): Promise<StartedRun> {
  const { site } = input.policy;
  const workflowId = verifySiteId(site);
  const running = await runningRun(client, workflowId);
  const handle = await withAttributes(client, site, undefined, (attributes) =>
    client.workflow.start<VerifySite>(WORKFLOWS.verifySite, {
      ...attributes,
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: bulkQueue(site),
      args: [input],
      staticSummary: `${site}: read back, ${input.depth}`,
      staticDetails: `Reads back at **${site}** what the ledger calls synced, and mends what is missing or differs. Signals \`pause\` and \`resume\`; query \`progress\`.`,
    }),
  );
  return { workflowId, runId: handle.firstExecutionRunId, joined: running === handle.firstExecutionRunId };
}

/** Where a site's latest verification stands. */
export interface VerifyState extends Partial<VerifyProgress> {
  readonly runId: string;
  readonly status: string;
}

/** Asks Temporal; the progress only if a worker answers in time. @returns `undefined` if the site has had no verification */
export async function verifyState(client: Client, site: string, queryMs: number): Promise<VerifyState | undefined> {
  const handle = client.workflow.getHandle<VerifySite>(verifySiteId(site));
  try {
    const { runId, status } = await handle.describe();
    const progress = await client
      .withDeadline(Date.now() + queryMs, () => handle.query<VerifyProgress>(QUERIES.progress))
      .catch(() => undefined);
    return { ...progress, runId, status: status.name };
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return undefined;
    throw thrown;
  }
}

export async function signalVerify(client: Client, site: string, signal: 'pause' | 'resume'): Promise<void> {
  await client.workflow.getHandle(verifySiteId(site)).signal(SIGNALS[signal]);
}
