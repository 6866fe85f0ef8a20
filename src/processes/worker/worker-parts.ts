import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { Logger, Tracer } from '../../telemetry/index.ts';
import { traceActivities, traceSinks } from '../temporal/traces.ts';
import { watchActivities } from './activity-watch.ts';
import { workflowCode } from './workflow-bundle.ts';

/** What every worker of ours needs. */
export interface WorkerParts {
  readonly native: NativeConnection;
  readonly namespace: string;
  readonly dataConverter: DataConverter;
  readonly client: Client;
  readonly logger: Logger;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/** The options that all workers share: how they reach Temporal, the workflows' code, and what watches over both. */
export function sharedOptions({ native, namespace, dataConverter, logger, tracer }: WorkerParts): Omit<WorkerOptions, 'taskQueue'> {
  const { interceptors, ...code } = workflowCode(dataConverter);
  return {
    connection: native,
    namespace,
    dataConverter,
    ...code,
    interceptors: { ...interceptors, activity: [watchActivities(logger), ...(tracer ? [traceActivities(tracer)] : [])] },
    sinks: traceSinks(tracer),
  };
}

/** The same for a queue that has activities alone. */
export function withoutWorkflows<T extends Omit<WorkerOptions, 'taskQueue'>>(options: T): Omit<T, 'workflowBundle' | 'workflowsPath'> {
  const { workflowBundle: _bundle, workflowsPath: _path, ...rest } = options;
  return rest;
}
