import { Runtime, type LogLevel, type LogMetadata } from '@temporalio/worker';
import type { Logger } from 'pino';

/** How often a worker process tells Temporal that it is there. */
const WORKER_HEARTBEAT_MS = 4_000;

let installed = false;

/**
 * Gives Temporal's SDK our logger, and keeps its hands off the signals: it would stop the workers at once, before what depends on
 * them. Once a process, before the first worker.
 */
export function installTemporalRuntime(logger: Logger): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    shutdownSignals: [],
    workerHeartbeatInterval: WORKER_HEARTBEAT_MS,
    logger: sdkLogger(logger.child({ part: 'temporal' })),
    telemetryOptions: { logging: { forward: {}, filter: 'WARN' } },
  });
}

/** The SDK tells of each state of each worker: what is news to it is detail to us. */
const LEVELS = { TRACE: 'trace', DEBUG: 'trace', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

function sdkLogger(logger: Logger) {
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => logger[LEVELS[level]]({ ...meta }, message);
  return {
    log,
    trace: (message: string, meta?: LogMetadata) => log('TRACE', message, meta),
    debug: (message: string, meta?: LogMetadata) => log('DEBUG', message, meta),
    info: (message: string, meta?: LogMetadata) => log('INFO', message, meta),
    warn: (message: string, meta?: LogMetadata) => log('WARN', message, meta),
    error: (message: string, meta?: LogMetadata) => log('ERROR', message, meta),
  };
}
