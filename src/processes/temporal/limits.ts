import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { readLimits, type SiteLimits } from '../../model/limits.ts';
import { CONTROL_QUEUE, LIMITS_MEMO, limitsSiteId, SIGNALS, WORKFLOWS } from '../../model/names.ts';
import { withAttributes } from './starting.ts';

const SEEN_MS = 3_000;
const SEEN_EVERY_MS = 50;

/**
 * What was changed of a site's limits.
 * @returns null if nothing is; `undefined` if something is, and is not written down yet
 */
export async function changedLimits(client: Client, site: string): Promise<SiteLimits | null | undefined> {
  try {
    const { status, memo } = await client.workflow.getHandle(limitsSiteId(site)).describe();
    if (status.name !== 'RUNNING') return null;
    const written = memo?.[LIMITS_MEMO] as { limits?: unknown } | undefined;
    if (!written) return undefined;
    // None is named where the only change was refused.
    const read = readLimits(written.limits);
    return typeof read === 'string' ? null : read;
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return null;
    throw thrown;
  }
}

/** Changes some limits of a running site, and lets the others be. Once it returns, Temporal holds the change; if a worker of the control side runs, it is seen. */
export async function changeLimits(client: Client, site: string, limits: SiteLimits): Promise<void> {
  await withAttributes(client, site, undefined, (attributes) =>
    client.workflow.signalWithStart<() => Promise<void>, [SiteLimits]>(WORKFLOWS.limitSite, {
      ...attributes,
      workflowId: limitsSiteId(site),
      taskQueue: CONTROL_QUEUE,
      signal: SIGNALS.change,
      signalArgs: [limits],
      staticSummary: `${site} has other limits than its configuration`,
      staticDetails: `While this runs, the workers of **${site}** keep to the limits in its memo. Signals: \`change\`, and \`reset\` for the configured ones.`,
    }),
  );
  await seen(client, site, (changed) => Object.entries(limits).every(([name, value]) => changed?.[name as keyof SiteLimits] === value));
}

/** Lets a site's workers keep to their configuration again. @returns false if they did already */
export async function resetLimits(client: Client, site: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(limitsSiteId(site)).signal(SIGNALS.reset);
    await seen(client, site, (changed) => changed === null);
    return true;
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return false;
    throw thrown;
  }
}

/** Waits a little until a signal has had its effect: who asks next is to see it. */
async function seen(client: Client, site: string, good: (changed: SiteLimits | null | undefined) => boolean): Promise<void> {
  const until = performance.now() + SEEN_MS;
  // Temporal has it; that it is not seen is no failure of the change.
  const isSeen = async (): Promise<boolean> => good(await changedLimits(client, site).catch(() => undefined));
  while (!(await isSeen()) && performance.now() < until) await sleep(SEEN_EVERY_MS);
}
