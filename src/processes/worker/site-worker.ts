import { Worker, type WorkerOptions } from '@temporalio/worker';
import { siteActivities } from '../../../activities/site/index.ts';
import { SCANS_A_WORKER } from '../../model/batches.ts';
import type { SiteLimits } from '../../model/limits.ts';
import { bulkQueue, pushQueue, scanQueue } from '../../model/names.ts';
import type { Endpoint } from '../../registry/endpoint.ts';
import { openSession, type Session } from '../../registry/session.ts';
import { limiterStates } from '../../registry/transport/limiter.ts';
import { createSite, type Site } from '../../replication/site.ts';
import { countCopies, countRequest, watchLimits } from '../../telemetry/index.ts';
import { createWorker } from './create-worker.ts';
import { runTogether, type RunningWorker } from './running-worker.ts';
import { watchChangedLimits } from './limits-watch.ts';
import { watchPause } from './pause-watch.ts';
import { tellTrouble } from './tell-trouble.ts';
import { sharedOptions, withoutWorkflows, type WorkerParts } from './worker-parts.ts';

export interface SiteWorkerOptions extends WorkerParts {
  readonly site: {
    readonly name: string;
    readonly primary: Endpoint;
    readonly endpoint: Endpoint;
    readonly backfill?: { readonly requestsPerSecond?: number };
    readonly verify?: { readonly bytesPerSecond: number };
  };
  /** Pushes are expected, and should not wait for a thread. */
  readonly pushes: boolean;
}

/**
 * Heartbeats are sent a second apart, and one more for each new upload of a blob that is not small: a kill leaves behind those of which Temporal has not heard. Further apart than
 * this they are not held back.
 */
const HEARTBEAT_THROTTLE = '200 milliseconds';
const SHUTDOWN_GRACE = '2 seconds';

/** Workflows and activities of one site, on all of its lanes. */
export async function startSiteWorker(options: SiteWorkerOptions): Promise<RunningWorker> {
  const { client, site, logger } = options;
  const open = (endpoint: Endpoint): Session =>
    openSession(endpoint, { onRequest: countRequest, ...tellTrouble(site.name, endpoint, logger) });
  watchLimits(limiterStates);
  const watch = { client, site: site.name, logger };
  const pausing = watchPause(watch);
  const both = createSite(open(site.primary), open(site.endpoint), {
    scanRequests: site.backfill?.requestsPerSecond,
    deepBytes: site.verify?.bytesPerSecond,
    untilResumed: async (signal) => (await pausing).untilResumed(signal),
  });
  const limiting = watchChangedLimits(watch, (changed) => limitTo(both, site, changed));
  const shared: Omit<WorkerOptions, 'taskQueue'> = {
    ...sharedOptions(options),
    activities: siteActivities(both, (result, healed) => countCopies(site.name, result, healed)),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    shutdownGraceTime: 0,
    shutdownForceTime: SHUTDOWN_GRACE,
  };
  const cleanUp = async (): Promise<void> => {
    const watches = await Promise.all([pausing, limiting]);
    await Promise.all([...watches.map((each) => each.close()), both.primary.close(), both.secondary.close()]);
  };
  try {
    const lanes = await Promise.all([
      createWorker(
        { ...shared, taskQueue: pushQueue(site.name), maxConcurrentActivityTaskExecutions: 32 },
        options.pushes ? 'at once' : 'with the first workflow',
      ),
      createWorker({ ...shared, taskQueue: bulkQueue(site.name), maxConcurrentActivityTaskExecutions: 16 }, 'at once'),
      Worker.create({
        ...withoutWorkflows(shared),
        taskQueue: scanQueue(site.name),
        maxConcurrentActivityTaskExecutions: SCANS_A_WORKER,
      }),
    ]);
    // Nothing is begun before it is known whether the site is paused, and what may be used of it.
    await Promise.all([pausing, limiting]);
    return runTogether(lanes, cleanUp);
  } catch (thrown) {
    await cleanUp();
    throw thrown;
  }
}

/** What is changed holds, and of the rest what is configured; what is under way goes on. */
function limitTo({ secondary, paced }: Site, { endpoint, backfill }: SiteWorkerOptions['site'], changed: SiteLimits): void {
  const { scanRequestsPerSecond = backfill?.requestsPerSecond, ...limits } = changed;
  secondary.setLimits({ ...endpoint.limits, ...limits });
  for (const session of [paced.primary, paced.secondary]) session.setRate(scanRequestsPerSecond);
}
