import { Runtime, type LogLevel, type LogMetadata } from '@temporalio/worker';
import { addMetrics, type Logger } from '../../telemetry/index.ts';
import { freePort } from './free-port.ts';

/** How often a worker process tells Temporal that it is there. */
const WORKER_HEARTBEAT_MS = 4_000;
const EXPORTER_MS = 1_000;

let installed = false;

/**
 * Gives Temporal's SDK our logger, and keeps its hands off the signals: it would stop the workers at once, before what depends on
 * them. Its metrics are served on a port of this machine alone, for `/metrics`. Once a process, before the first worker.
 */
export async function installTemporalRuntime(logger: Logger): Promise<void> {
  if (installed) return;
  installed = true;
  const exporter = `127.0.0.1:${await freePort()}`;
  Runtime.install({
    shutdownSignals: [],
    workerHeartbeatInterval: WORKER_HEARTBEAT_MS,
    logger: sdkLogger(logger.child({ part: 'temporal' })),
    telemetryOptions: {
      logging: { forward: {}, filter: 'WARN' },
      metrics: { prometheus: { bindAddress: exporter, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true } },
    },
  });
  addMetrics(() => sdkMetrics(exporter));
}

/** Without an answer, none. */
async function sdkMetrics(address: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(EXPORTER_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
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
