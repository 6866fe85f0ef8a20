import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { SiteConfig, TemporalConfig, TwinportConfig } from '../../config/index.ts';
import { openLedger, type Ledger } from '../../ledger/ledger.ts';
import { registerSites } from '../../ledger/sites.ts';
import { TwinportError } from '../../model/failure.ts';
import { startStarter } from '../starter/main.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { claimNamespace } from '../temporal/owner.ts';
import { traceTo } from '../temporal/trace-to.ts';
import { startControlWorker } from '../worker/control-worker.ts';
import type { RunningWorker } from '../worker/running-worker.ts';
import { startSiteWorker } from '../worker/site-worker.ts';
import type { KeptServer } from './keep-running.ts';
import { keepPostgres } from './kept-postgres.ts';
import { keepTemporal } from './kept-temporal.ts';
import { createStack, type Stack } from './stack.ts';
import { installTemporalRuntime } from './temporal-runtime.ts';

/** What is to run in this process. */
export interface SystemOptions {
  readonly config: TwinportConfig;
  readonly sites: readonly SiteConfig[];
  /** Where the embedded dev server keeps its state; a configured `temporal.address` is used whatever this says. */
  readonly temporal: 'memory' | 'file';
  /** Serve Temporal's Web UI. */
  readonly ui: boolean;
  /** Where the starter listens. */
  readonly listen: string;
  /** Take events. */
  readonly webhook: boolean;
  /** Do the sites' work here too; without it this is a starter alone. */
  readonly workers: boolean;
  readonly token: string;
  readonly webhookSecret: string;
  /** Forget what the ledger knows of sites whose primary, secondary or path changed. */
  readonly resetSites: boolean;
  readonly logger: Logger;
}

/** A running system. */
export interface System {
  /** Of the starter. */
  readonly url: string;
  /** Of Temporal's Web UI, where it is known. */
  readonly webUi?: string;
  readonly client: Client;
  readonly ledger: Ledger;
  /** The embedded servers. */
  readonly servers: readonly { readonly name: string; readonly pid: number }[];
  /** Rejects when a part has ended by itself and cannot be had again; never resolves. */
  readonly broken: Promise<never>;
  /** Ends everything, last started first; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the whole of Twinport in this process, embedded where no address is configured.
 * @throws {TwinportError} what the parts throw; what had been started is stopped then
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { logger } = options;
  const stack = createStack((part, message) => logger.warn({ part, reason: message }, 'a part did not end well'));
  try {
    return await startParts(options, stack);
  } catch (error) {
    await stack.close();
    throw error;
  }
}

async function startParts(options: SystemOptions, stack: Stack): Promise<System> {
  const { config, sites, logger } = options;
  await installTemporalRuntime(logger);
  const breaks = createBreak();
  const [temporal, ledger] = await allSettled(reachTemporal(options, stack, breaks.fail), reachLedger(options, stack, breaks.fail));
  const tracer = await traceTo(config, logger, stack);
  const connected = await connectTemporal({ ...temporal.config, tracer });
  stack.add('Temporal client', () => connected.close());
  await claimNamespace(connected.client, ledger.ledger.id);
  await registerSites(
    ledger.ledger,
    sites.map(({ name, fingerprint }) => ({ name, fingerprint })),
    { reset: options.resetSites },
  );
  const native = await connected.native();
  const { client, dataConverter, namespace } = connected;
  const parts = { native, namespace, dataConverter, client, logger, ...(tracer ? { tracer } : {}) };
  // All at once: each loads the workflows' code, and a person waits.
  const workers: readonly (readonly [string, Promise<RunningWorker>])[] = [
    ['the control worker', startControlWorker({ ...parts, ledger: ledger.ledger, sites })],
    ...(options.workers ? sites.map((site) => [`the worker of ${site.name}`, startSiteWorker({ ...parts, site })] as const) : []),
  ];
  await Promise.allSettled(workers.map(([name, starting]) => adopt(name, starting, stack, breaks.fail)));
  await Promise.all(workers.map(([, starting]) => starting));
  const webUi = temporal.webUi === undefined ? {} : { webUi: temporal.webUi };
  const { token, webhookSecret, listen, webhook } = options;
  const starter = await startStarter({
    config,
    client,
    ledger: ledger.ledger,
    logger,
    sites,
    token,
    webhookSecret,
    listen,
    webhook,
    ...(tracer ? { tracer } : {}),
    ...webUi,
  });
  stack.add('the starter', () => starter.close());
  const servers = [temporal.server, ledger.server].filter((server) => server !== undefined);
  return {
    url: starter.url,
    ...webUi,
    client,
    ledger: ledger.ledger,
    get servers() {
      return servers.map(({ name, pid }) => ({ name, pid }));
    },
    broken: breaks.broken,
    stop: () => stack.close(),
  };
}

/** Has a worker that started stopped with the rest, and its end noticed. */
async function adopt(name: string, starting: Promise<RunningWorker>, stack: Stack, fail: (error: TwinportError) => void): Promise<void> {
  const worker = await starting;
  stack.add(name, () => worker.stop());
  worker.ended.catch((cause: unknown) => fail(new TwinportError('INTERNAL', `${name} has ended by itself`, { cause })));
}

interface ReachedTemporal {
  readonly config: TemporalConfig;
  readonly webUi?: string;
  readonly server?: KeptServer;
}

async function reachTemporal(options: SystemOptions, stack: Stack, fail: (error: TwinportError) => void): Promise<ReachedTemporal> {
  const { config, logger, ui } = options;
  if (config.temporal) return { config: config.temporal };
  const kept = await keepTemporal({ dataDir: config.dataDir, state: options.temporal, ui, logger, fail });
  stack.add('Temporal', () => kept.server.stop());
  const webUi = kept.uiUrl === undefined ? {} : { webUi: kept.uiUrl };
  return { config: { address: kept.address, namespace: 'default' }, server: kept.server, ...webUi };
}

async function reachLedger(
  options: SystemOptions,
  stack: Stack,
  fail: (error: TwinportError) => void,
): Promise<{ ledger: Ledger; server?: KeptServer }> {
  const { config, logger } = options;
  const kept = config.ledger ? undefined : await keepPostgres({ dataDir: config.dataDir, logger, fail });
  if (kept) stack.add('PostgreSQL', () => kept.server.stop());
  const ledger = await openLedger(config.ledger?.url ?? kept?.poolConfig ?? '');
  stack.add('ledger', () => ledger.close());
  return { ledger, ...(kept ? { server: kept.server } : {}) };
}

/** Both results, or the first failure once both have settled: what the other started must be on the stack by then. */
async function allSettled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

function createBreak(): { readonly broken: Promise<never>; readonly fail: (error: TwinportError) => void } {
  let fail: (error: TwinportError) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => (fail = reject));
  // Who waits for nothing else may not wait for this either; then it is no crash.
  broken.catch(() => undefined);
  return { broken, fail };
}
