import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { SiteConfig, TemporalConfig, TwinportConfig } from '../../config/index.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { registerSites } from '../../ledger/sites.ts';
import { TwinportError } from '../../model/failure.ts';
import type { Tracer } from '../../telemetry/index.ts';
import { startStarter } from '../starter/main.ts';
import { connectTemporal, type Temporal } from '../temporal/connect.ts';
import { claimNamespace } from '../temporal/owner.ts';
import { traceTo } from '../temporal/trace-to.ts';
import { startControlWorker } from '../worker/control-worker.ts';
import type { RunningWorker } from '../worker/running-worker.ts';
import { startSiteWorker } from '../worker/site-worker.ts';
import type { Stack } from './stack.ts';
import { installTemporalRuntime } from './temporal-runtime.ts';

/** What is to run on the servers. */
export interface PartsOptions {
  readonly config: TwinportConfig;
  readonly sites: readonly SiteConfig[];
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

/** A connection to Temporal, for clients and workers. */
export interface Connected extends Temporal {
  readonly tracer: Tracer | undefined;
}

/** Servers that answer, where to put what runs on them, and who is told of what has ended by itself. */
export interface Servers {
  readonly temporal: Connected;
  /** Temporal was started for this run alone, and nobody else can have come to it. */
  readonly own: boolean;
  readonly webUi?: string;
  readonly ledger: Ledger;
  readonly stack: Stack;
  readonly fail: (error: TwinportError) => void;
}

/** Connects to Temporal, which needs no ledger. */
export async function connectParts({ config, logger }: PartsOptions, temporal: TemporalConfig, stack: Stack): Promise<Connected> {
  await installTemporalRuntime(logger);
  const tracer = await traceTo(config, logger, stack);
  const connected = await connectTemporal({ ...temporal, tracer });
  stack.add('Temporal client', () => connected.close());
  await connected.native();
  return { ...connected, tracer };
}

/** Runs the workers and the starter, each of them on the stack as soon as it runs. */
export async function runOnServers(options: PartsOptions, servers: Servers): Promise<{ readonly url: string; readonly client: Client }> {
  const { config, sites, logger } = options;
  const { temporal, ledger, stack, fail } = servers;
  const { client, dataConverter, namespace, tracer } = temporal;
  if (!servers.own) await claimNamespace(client, ledger.id);
  await registerSites(
    ledger,
    sites.map(({ name, fingerprint }) => ({ name, fingerprint })),
    { reset: options.resetSites },
  );
  const native = await temporal.native();
  const parts = { native, namespace, dataConverter, client, logger, ...(tracer ? { tracer } : {}) };
  // All at once: a person waits.
  const workers: readonly (readonly [string, Promise<RunningWorker>])[] = [
    ['the control worker', startControlWorker({ ...parts, ledger, sites })],
    ...(options.workers
      ? sites.map((site) => [`the worker of ${site.name}`, startSiteWorker({ ...parts, site, pushes: options.webhook })] as const)
      : []),
  ];
  await Promise.allSettled(workers.map(([name, starting]) => adopt(name, starting, stack, fail)));
  await Promise.all(workers.map(([, starting]) => starting));
  const { token, webhookSecret, listen, webhook } = options;
  const starter = await startStarter({
    ...{ config, client, ledger, logger, sites, token, webhookSecret, listen, webhook },
    ...(tracer ? { tracer } : {}),
    ...(servers.webUi === undefined ? {} : { webUi: servers.webUi }),
  });
  stack.add('the starter', () => starter.close());
  return { url: starter.url, client };
}

/** Has a worker that started stopped with the rest, and its end noticed. */
async function adopt(name: string, starting: Promise<RunningWorker>, stack: Stack, fail: (error: TwinportError) => void): Promise<void> {
  const worker = await starting;
  stack.add(name, () => worker.stop());
  worker.ended.catch((cause: unknown) => fail(new TwinportError('INTERNAL', `${name} has ended by itself`, { cause })));
}
