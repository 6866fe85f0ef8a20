import type { Client } from '@temporalio/client';
import { bulkQueue, pushQueue } from '../../model/names.ts';

const DEADLINE_MS = 2_000;
/** More processes than a site has: dead ones are listed for a while too. */
const MOST_WORKERS = 1_000;
/** Workers tell Temporal every 4 s that they are there, and ask for work at once; one that has been silent for this long is gone. */
const SILENT_MS = 10_000;
/** A server that takes no heartbeats knows when a worker last asked for work, and an idle one asks once a minute. */
const IDLE_MS = 65_000;

type QueueType = NonNullable<Parameters<Client['workflowService']['describeTaskQueue']>[0]['taskQueueType']>;
/** Temporal's TaskQueueType: workflows and activities. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the values are in @temporalio/proto alone, no dependency of ours
const QUEUE_TYPES: readonly QueueType[] = [1, 2];
/** Temporal's WorkerStatus: running. */
const RUNNING = 1;

/** When a worker last said something, as Temporal tells it. */
interface Said {
  readonly identity: string;
  readonly mark: string;
  /** It has not said that it ends. */
  readonly running: boolean;
}

/** Tells which workers of a site are there. */
export interface WorkerRoll {
  /** Their identities. @throws what the client throws */
  call(site: string): Promise<string[]>;
}

/**
 * Whether a worker is there is told by what changes, against our own clock: the marks are of the workers' clocks or the server's. One that is seen for the
 * first time counts as there.
 */
export function createWorkerRoll(client: Client, namespace: string): WorkerRoll {
  const seen = new Map<string, { readonly mark: string; readonly at: number }>();
  let beating: Promise<boolean> | undefined;
  const isFresh = (key: string, mark: string, limitMs: number): boolean => {
    const now = performance.now();
    const before = seen.get(key);
    const at = before?.mark === mark ? before.at : now;
    seen.set(key, { mark, at });
    return now - at < limitMs;
  };
  return {
    async call(site) {
      beating ??= takesHeartbeats(client, namespace);
      const taken = await beating.catch((error: unknown) => {
        beating = undefined;
        throw error;
      });
      const beats = taken ? await heartbeatsOf(client, namespace, site) : new Map<string, Said>();
      const polls = (await pollersOf(client, namespace, site)).filter(({ identity }) => !beats.has(identity));
      const there = [
        ...[...beats.values()].filter((beat) => beat.running && isFresh(`${site} beat ${beat.identity}`, beat.mark, SILENT_MS)),
        ...polls.filter(({ identity, mark }) => isFresh(`${site} poll ${identity}`, mark, taken ? SILENT_MS : IDLE_MS)),
      ];
      return there.map(({ identity }) => identity).sort();
    },
  };
}

/** @see https://docs.temporal.io/workers: since server 1.29, where it is switched on */
async function takesHeartbeats(client: Client, namespace: string): Promise<boolean> {
  const { namespaceInfo } = await client.connection.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflowService.describeNamespace({ namespace }),
  );
  return namespaceInfo?.capabilities?.workerHeartbeats === true;
}

/** The latest heartbeat of each process, of those too that have ended. */
async function heartbeatsOf(client: Client, namespace: string, site: string): Promise<ReadonlyMap<string, Said>> {
  const answers = await askEach([pushQueue(site), bulkQueue(site)], (queue) =>
    client.connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflowService.listWorkers({ namespace, pageSize: MOST_WORKERS, query: `TaskQueue = ${JSON.stringify(queue)}` }),
    ),
  );
  const beats = answers.flatMap(({ workersInfo }) => workersInfo ?? []).flatMap(({ workerHeartbeat }) => workerHeartbeat ?? []);
  return latestOf(
    beats.map(({ workerIdentity, heartbeatTime, status }) => ({
      ...{ identity: workerIdentity ?? '', mark: markOf(heartbeatTime), running: Number(status) === RUNNING },
    })),
  );
}

async function pollersOf(client: Client, namespace: string, site: string): Promise<Said[]> {
  const queues = [pushQueue(site), bulkQueue(site)].flatMap((name) => QUEUE_TYPES.map((taskQueueType) => ({ name, taskQueueType })));
  const answers = await askEach(queues, ({ name, taskQueueType }) =>
    client.connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType }),
    ),
  );
  const pollers = answers.flatMap((answer) => answer.pollers ?? []);
  const latest = latestOf(
    pollers.map(({ identity, lastAccessTime }) => ({ identity: identity ?? '', mark: markOf(lastAccessTime), running: true })),
  );
  return [...latest.values()];
}

function latestOf(all: readonly Said[]): ReadonlyMap<string, Said> {
  const latest = new Map<string, Said>();
  for (const said of all) if (said.mark > (latest.get(said.identity)?.mark ?? '')) latest.set(said.identity, said);
  latest.delete('');
  return latest;
}

/** All have ended before one's failure is told: the client may be closed then. */
async function askEach<T, A>(items: readonly T[], ask: (item: T) => Promise<A>): Promise<A[]> {
  const asked = items.map(ask);
  await Promise.allSettled(asked);
  return Promise.all(asked);
}

/** A moment as a text that sorts as moments do. */
function markOf(time: { seconds?: { toString(): string } | null; nanos?: number | null } | null | undefined): string {
  return `${(time?.seconds ?? 0).toString().padStart(12, '0')}.${(time?.nanos ?? 0).toString().padStart(9, '0')}`;
}
