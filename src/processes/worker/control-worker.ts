import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { controlActivities } from '../../../activities/control/index.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { TwinportError } from '../../model/failure.ts';
import { CONTROL_QUEUE } from '../../model/names.ts';
import type { SitePolicy } from '../../model/policy.ts';
import { startBackfill } from '../temporal/backfill.ts';
import { observeDelay, type Logger } from '../../telemetry/index.ts';
import { sendLook } from '../temporal/looks.ts';
import { startVerify } from '../temporal/verify.ts';
import { tellOutcomes, watchActivities } from './activity-watch.ts';
import { runTogether, type RunningWorker } from './running-worker.ts';
import { workflowCode } from './workflow-bundle.ts';

export interface ControlWorkerOptions {
  readonly native: NativeConnection;
  readonly namespace: string;
  readonly dataConverter: DataConverter;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly sites: readonly { readonly policy: SitePolicy }[];
  readonly logger: Logger;
}

/** Repositories of a backfill at a time. */
export const BACKFILL_CONCURRENCY = 8;

/** The ledger's activities, and the one that starts looks. */
export async function startControlWorker(options: ControlWorkerOptions): Promise<RunningWorker> {
  const { native, namespace, dataConverter, client, ledger, sites, logger } = options;
  const worker = await Worker.create({
    connection: native,
    namespace,
    dataConverter,
    ...workflowCode(dataConverter),
    taskQueue: CONTROL_QUEUE,
    interceptors: { activity: [watchActivities(logger)] },
    shutdownForceTime: '2 seconds',
    activities: controlActivities({
      ledger,
      onVerified: observeDelay,
      onRecorded: (input, workflowId) => tellOutcomes(logger, input, workflowId),
      startLook: (input) => sendLook(client, input),
      async startScheduled({ site, kind }) {
        const policy = sites.find((known) => known.policy.site === site)?.policy;
        if (!policy)
          throw new TwinportError(
            'CONFIG',
            `a Schedule names the site ${site}, which the configuration no longer has: delete the Schedule`,
          );
        if (kind === 'verify') await startVerify(client, { policy, depth: policy.verify.depth, sample: 1 });
        else await startBackfill(client, { policy, verify: 'auto', once: false, concurrency: BACKFILL_CONCURRENCY });
      },
    }),
  });
  return runTogether([worker]);
}
