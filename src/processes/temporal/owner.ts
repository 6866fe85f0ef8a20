import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { CONTROL_QUEUE, OWNER_ID, WORKFLOWS } from '../../model/names.ts';
import { TwinportError } from '../../model/failure.ts';

/**
 * Claims the namespace for this ledger: one Twinport owns one namespace, and a second one's workflows would fight the first's.
 * @throws {TwinportError} CONFLICT if another ledger holds it
 */
export async function claimNamespace(client: Client, ledgerId: string): Promise<void> {
  const held = await holder(client);
  if (held === undefined) {
    await client.workflow.start(WORKFLOWS.owner, {
      workflowId: OWNER_ID,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: CONTROL_QUEUE,
      memo: { ledger: ledgerId },
      // What it is there for is its memo: no worker need ever run it.
      startDelay: '365 days',
      staticSummary: `This namespace belongs to the Twinport whose ledger is ${ledgerId}`,
    });
  }
  const owner = held ?? (await holder(client));
  if (owner !== undefined && owner !== ledgerId) {
    throw new TwinportError(
      'CONFLICT',
      `this Temporal namespace belongs to the Twinport whose ledger is ${owner}, ours is ${ledgerId}: give each its own namespace, or terminate the workflow ${OWNER_ID} if that ledger is lost`,
    );
  }
}

/**
 * Makes sure that what this namespace's Twinport writes can be read here; a namespace without one is taken as it is.
 * @throws {TwinportError} CONFIG (its payloads are encrypted with a key that we have not)
 */
export async function requireKeys(client: Client): Promise<void> {
  await holder(client);
}

async function holder(client: Client): Promise<string | undefined> {
  try {
    const described = await client.workflow.getHandle(OWNER_ID).describe();
    return described.status.name === 'RUNNING' ? String(described.memo?.['ledger']) : undefined;
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return undefined;
    throw thrown;
  }
}
