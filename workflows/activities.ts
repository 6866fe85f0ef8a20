import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { ControlActivities } from '../activities/control/index.ts';
import type { SiteActivities } from '../activities/site/index.ts';
import { bulkQueue, CONTROL_QUEUE, pushQueue, scanQueue } from '../src/model/names.ts';

/** The lane decides the queue, and so the slots; inside the bulk lane the priority decides who is next. */
export type Lane = 'push' | 'bulk' | 'scan';

const QUEUES: Record<Lane, (site: string) => string> = { push: pushQueue, bulk: bulkQueue, scan: scanQueue };

/** What is timed is silence, by the heartbeat: a large blob may take days. */
const PATIENCE: ActivityOptions = {
  startToCloseTimeout: '7 days',
  heartbeatTimeout: '10 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};
const PAUSES = { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' } as const;

const SITE: ActivityOptions = { ...PATIENCE, retry: { ...PAUSES, maximumAttempts: 5 } };

/** What waited so long for a worker is done in another way: those of before the queue was do not ask at it. */
const OTHERWISE_ALONE = '1 hour';

/** Copies limit their attempts themselves: those that moved nothing. */
const COPY: ActivityOptions = { ...PATIENCE, retry: PAUSES };

/** Records wait for the ledger, however long it is away: work that was done must not be done again. */
const RECORD: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 seconds' },
};

const SITE_PROFILES: Record<keyof SiteActivities, ActivityOptions> = {
  fetchManifests: SITE,
  enumerateLayers: SITE,
  copyBlobs: COPY,
  publishManifests: SITE,
  listRepositories: SITE,
  compareRepository: SITE,
  compareRepositories: { ...SITE, scheduleToStartTimeout: OTHERWISE_ALONE },
  lookAtDigests: SITE,
  deleteTags: SITE,
  sweepKept: SITE,
  sampleDigests: SITE,
  restoreTag: SITE,
};

const CONTROL_PROFILES: Record<keyof ControlActivities, ActivityOptions> = {
  markVerification: RECORD,
  recordScan: RECORD,
  recordScans: RECORD,
  knownRepositories: RECORD,
  settledRepositories: RECORD,
  imagesToVerify: RECORD,
  judgePrimary: RECORD,
  planDeletions: RECORD,
  recordDeletions: RECORD,
  recordUndo: RECORD,
  recordBackfill: RECORD,
  startLook: RECORD,
  startScheduled: RECORD,
};

export interface Asked {
  /** A line for people, shown beside the activity in Temporal's Web UI. */
  readonly summary: string;
  /** 1 (first) to 5, inside the lane. */
  readonly priority?: number;
}

type Asking<A> = {
  readonly [K in keyof A]: A[K] extends (input: infer I) => Promise<infer R> ? (input: I, asked: Asked) => Promise<R> : never;
};

/** The activities of a site, on one of its lanes. */
export function siteActivities(site: string, lane: Lane): Asking<SiteActivities> {
  return asking<SiteActivities>(SITE_PROFILES, QUEUES[lane](site));
}

/** The activities that see the ledger. */
export const control: Asking<ControlActivities> = asking<ControlActivities>(CONTROL_PROFILES, CONTROL_QUEUE);

function asking<A extends object>(profiles: Record<keyof A & string, ActivityOptions>, taskQueue: string): Asking<A> {
  const entries = Object.entries<ActivityOptions>(profiles).map(([name, profile]) => {
    const ask = (input: unknown, { summary, priority }: Asked): Promise<unknown> => {
      const options: ActivityOptions = {
        ...profile,
        taskQueue,
        summary: summary.slice(0, 200),
        ...(priority ? { priority: { priorityKey: priority } } : {}),
      };
      const proxy = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>(options);
      return (proxy[name] as (input: unknown) => Promise<unknown>)(input);
    };
    return [name, ask];
  });
  return Object.fromEntries(entries) as Asking<A>;
}
