import type { WorkerOptions } from '@temporalio/worker';
import { controlActivities } from '../../../activities/control/index.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { TwinportError } from '../../model/failure.ts';
import { CONTROL_QUEUE } from '../../model/names.ts';
import type { SitePolicy } from '../../model/policy.ts';
import { startBackfill } from '../temporal/backfill.ts';
import { observeDelay } from '../../telemetry/index.ts';
import { sendLook } from '../temporal/looks.ts';
import { startVerify } from '../temporal/verify.ts';
import { tellOutcomes } from './activity-watch.ts';
import { createWorker } from './create-worker.ts';
import { runTogether, type RunningWorker } from './running-worker.ts';
import { sharedOptions, type WorkerParts } from './worker-parts.ts';

export interface ControlWorkerOptions extends WorkerParts {
  readonly ledger: Ledger;
  readonly sites: readonly { readonly policy: SitePolicy }[];
}

/** Repositories of a backfill at a time. */
export const BACKFILL_CONCURRENCY = 8;

/** The ledger's activities, and the one that starts looks. */
export async function startControlWorker(options: ControlWorkerOptions): Promise<RunningWorker> {
  const { client, ledger, sites, logger } = options;
  const settings: WorkerOptions = {
    ...sharedOptions(options),
    taskQueue: CONTROL_QUEUE,
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
  };
  // What runs here as a workflow (pauses, limits, ticks of Schedules) is rare.
  return runTogether([await createWorker(settings, 'with the first workflow')]);
}
