import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { readConfig } from './read-config.ts';
import { TwinportError } from '../../model/failure.ts';
import { allMetrics, metrics } from '../../telemetry/index.ts';
import { createStack, type Stack } from '../embedded/stack.ts';
import { installTemporalRuntime } from '../embedded/temporal-runtime.ts';
import { parseListen, urlOf } from '../starter/listen-address.ts';
import { createServer } from '../starter/server.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { requireKeys } from '../temporal/owner.ts';
import { traceTo } from '../temporal/trace-to.ts';
import { startSiteWorker } from '../worker/site-worker.ts';
import type { ExitCode } from './exit-code.ts';
import { onInterruption } from './interruption.ts';
import { note } from './output.ts';

/** The production worker of one site, until interrupted; it uses no data directory and no database. */
export async function runWorker(file: string | undefined, site: string, logger: Logger): Promise<ExitCode> {
  const config = readConfig({ ...(file === undefined ? {} : { file }), sections: ['temporal', 'telemetry', 'worker', { site }] });
  if (!config.temporal) throw new TwinportError('CONFIG', 'a worker needs temporal.address; for all in one process run "twinport up"');
  const own = config.secondaries.find(({ name }) => name === site);
  if (!own) throw new TwinportError('CONFIG', `secondaries: there is no site "${site}"`);
  const interruption = onInterruption();
  const stack = createStack((part, message) => logger.warn({ part, reason: message }, 'a part did not end well'));
  try {
    await installTemporalRuntime(logger);
    const tracer = await traceTo(config, logger, stack);
    const connected = await connectTemporal({ ...config.temporal, tracer });
    stack.add('Temporal client', () => connected.close());
    const { client, dataConverter, namespace } = connected;
    await requireKeys(client);
    const parts = { native: await connected.native(), namespace, dataConverter, client, logger, ...(tracer ? { tracer } : {}) };
    const worker = await startSiteWorker({ ...parts, site: own, pushes: true });
    stack.add('worker', () => worker.stop());
    if (config.worker.listen !== undefined) await serveMetrics(config.worker.listen, stack, logger);
    note(`the worker of ${site} polls ${config.temporal.address}`);
    await Promise.race([interruption.interrupted, worker.ended]);
    if (!interruption.signal.aborted) throw new TwinportError('INTERNAL', `the worker of ${site} has ended by itself`);
    return 0;
  } finally {
    await stack.close();
    interruption.close();
  }
}

async function serveMetrics(listen: string, stack: Stack, logger: Logger): Promise<void> {
  const address = parseListen(listen);
  const server = createServer(logger);
  server.get('/healthz', async () => ({ ok: true }));
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await allMetrics()));
  stack.add('metrics', () => server.close());
  try {
    await server.listen(address);
  } catch (cause) {
    throw new TwinportError('CONFIG', `worker.listen: cannot listen on ${listen}; give a free address of this machine`, { cause });
  }
  note(`metrics: ${urlOf({ host: address.host, port: (server.server.address() as AddressInfo).port })}/metrics`);
}
