import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Ledger } from '../../ledger/ledger.ts';
import { setPaused } from '../../ledger/sites.ts';
import { heartbeatWorkers } from '../../ledger/workers.ts';
import { failureOf } from '../../model/failure.ts';
import { bulkQueue, pushQueue } from '../../model/names.ts';
import { isPaused } from '../temporal/pause.ts';

const EVERY_MS = 5_000;
const SOON_MS = 1_000;
const DEADLINE_MS = 2_000;
type QueueType = NonNullable<Parameters<Client['workflowService']['describeTaskQueue']>[0]['taskQueueType']>;
/** Temporal's TaskQueueType: workflows and activities. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the values are in @temporalio/proto alone, no dependency of ours
const QUEUE_TYPES: readonly QueueType[] = [1, 2];

/** A worker that polls a site's queues, and when it last did, in milliseconds since the epoch. */
export interface Poller {
  readonly identity: string;
  readonly lastPoll: number;
}

/** Writes down every 5 s (every second until the first are seen) which workers poll each site's queues, and which site is paused, by Temporal's own account. */
export function startWorkerWatch(parts: {
  client: Client;
  namespace: string;
  ledger: Ledger;
  sites: readonly { name: string }[];
  logger: Logger;
}): {
  close(): Promise<void>;
} {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const paused = new Map<string, boolean>();
  // A pause may be begun and ended in Temporal, without us.
  const notePause = async (name: string): Promise<void> => {
    const now = await isPaused(parts.client, name);
    if (paused.get(name) === now) return;
    await setPaused(parts.ledger, name, now);
    paused.set(name, now);
  };
  const unseen = new Set(parts.sites.map(({ name }) => name));
  const run = async (): Promise<void> => {
    for (const { name } of parts.sites) {
      try {
        const pollers = await pollersOf(parts.client, parts.namespace, name);
        await heartbeatWorkers(parts.ledger, name, pollers);
        if (pollers.length > 0) unseen.delete(name);
        await notePause(name);
      } catch (error) {
        parts.logger.debug({ site: name, failure: failureOf(error) }, 'the site’s workers could not be asked for');
      }
    }
    if (!closed) timer = setTimeout(() => void (running = run()), unseen.size > 0 ? SOON_MS : EVERY_MS).unref();
  };
  let running = run();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** The workers of a site's two lanes, each once with its latest poll. */
export async function pollersOf(client: Client, namespace: string, site: string): Promise<Poller[]> {
  const latest = new Map<string, number>();
  const queues = [pushQueue(site), bulkQueue(site)].flatMap((name) => QUEUE_TYPES.map((taskQueueType) => ({ name, taskQueueType })));
  const asked = queues.map(({ name, taskQueueType }) =>
    client.connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType }),
    ),
  );
  // All have ended before one's failure is told: the client may be closed then.
  await Promise.allSettled(asked);
  const answers = await Promise.all(asked);
  for (const { pollers } of answers) {
    for (const { identity, lastAccessTime } of pollers ?? []) {
      if (!identity) continue;
      const at = Number(lastAccessTime?.seconds ?? 0) * 1000 + Math.floor((lastAccessTime?.nanos ?? 0) / 1e6);
      latest.set(identity, Math.max(at, latest.get(identity) ?? 0));
    }
  }
  return [...latest].map(([identity, lastPoll]) => ({ identity, lastPoll }));
}
