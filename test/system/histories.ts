import type { Client } from '@temporalio/client';

/** The history of each workflow that Temporal knows, by id, its bytes as text: all that somebody with access to Temporal reads. */
export async function historiesOf({ workflow, workflowService, options: { namespace } }: Client): Promise<Map<string, unknown[]>> {
  const histories = new Map<string, unknown[]>();
  // The client's own list and description would decode memos.
  const { executions } = await workflowService.listWorkflowExecutions({ namespace, pageSize: 1_000 });
  for (const { execution } of executions ?? []) {
    const { workflowId, runId } = execution as { workflowId: string; runId: string };
    const seen = await Promise.all([
      workflow.getHandle(workflowId, runId).fetchHistory(),
      workflowService.describeWorkflowExecution({ namespace, execution: { workflowId, runId } }),
    ]);
    histories.set(workflowId, [...(histories.get(workflowId) ?? []), ...seen.map(readable)]);
  }
  return histories;
}

/** Messages as plain objects; their own JSON would show bytes as base64, in which nothing is found. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, readable(entry)]));
}
