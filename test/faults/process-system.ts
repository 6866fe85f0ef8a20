import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import type { RegistryAuth, RegistryVersion } from '../../src/processes/embedded/registry-config.ts';
import { startTemporal, type EmbeddedTemporal } from '../../src/processes/embedded/temporal.ts';
import { gate, type Gate } from '../support/gate.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { startTwinport, workFolder, type RunningTwinport } from '../support/twinport.ts';
import { uploadsOf } from '../support/uploads.ts';
import { SECRET, systemApi, type SystemApi } from './api.ts';

const TOKEN = 'token-of-this-test';

/**
 * The production processes, apart: a starter, workers, a Temporal server with its database in a file, a PostgreSQL, and two registries;
 * with something in between that can be shut on every way. The primary tells of its pushes itself, and again until it is heard.
 */
export interface ProcessSystem extends SystemApi {
  readonly primary: EmbeddedRegistry;
  readonly secondary: EmbeddedRegistry;
  readonly source: QuirkProxy;
  readonly target: QuirkProxy;
  /** Between the workers and Temporal, the starter and Temporal, the starter and the ledger. */
  readonly gates: { readonly worker: Gate; readonly starter: Gate; readonly ledger: Gate };
  /** Of 127.0.0.1. */
  readonly temporalPort: number;
  /** The one that runs now. */
  starter(): RunningTwinport;
  startStarter(): Promise<RunningTwinport>;
  startWorker(env?: Record<string, string>): Promise<RunningTwinport>;
  /** Kills Temporal as a loss of power would. */
  killTemporal(): Promise<void>;
  /** Starts it again, with what it had in its file. */
  restartTemporal(): Promise<void>;
  /** The uploads that the secondary was left with: their folders. */
  uploads(): Promise<string[]>;
}

export interface ProcessOptions {
  readonly primary?: RegistryVersion;
  readonly secondary: RegistryVersion;
  /** The primary tells of its pushes. */
  readonly notify?: boolean;
  /** Nothing is in the way of registries, which takes its time where there are very many requests. */
  readonly direct?: boolean;
  /** More of the site's configuration. */
  readonly site?: string;
  /** How the primary knows who comes in, how the workers do, by the configuration, and how the independent reading does. */
  readonly auth?: { readonly registry: RegistryAuth; readonly workers: string; readonly authorization: () => string };
}

const undo: (() => Promise<unknown>)[] = [];

/** Starts one, without a worker, to be used by one test. */
export async function processSystem(options: ProcessOptions): Promise<ProcessSystem> {
  const port = await freePort();
  const notifications = { url: `http://127.0.0.1:${port}/events/distribution`, secret: SECRET };
  const [primary, secondary, ledgerFolder, temporalFolder] = await Promise.all([
    testRegistry({
      version: options.primary ?? 3,
      ...(options.notify === false ? {} : { notifications }),
      ...(options.auth ? { auth: options.auth.registry } : {}),
    }),
    testRegistry({ version: options.secondary }),
    temporaryFolder(),
    temporaryFolder(),
  ]);
  const [source, target, postgres] = await Promise.all([
    quirkProxy(primary.url),
    quirkProxy(secondary.url),
    startPostgres({ dataDir: ledgerFolder }),
  ]);
  const dbFile = join(temporalFolder, 'temporal.db');
  let temporal = await startTemporal({ dbFile });
  undo.unshift(
    () => temporal.stop(1_000),
    () => postgres.stop(),
  );
  const gates = await openGates(temporal, postgres, ledgerFolder);
  const [from, to] = options.direct === true ? [primary, secondary] : [source, target];
  const config = (temporalPort: number): string => `
temporal: { address: '127.0.0.1:${temporalPort}', namespace: default }
ledger: { url: '${gates.ledgerUrl}' }
control: { url: 'http://127.0.0.1:${port}', token: ${TOKEN} }
webhook: { listen: '127.0.0.1:${port}', secret: ${SECRET} }
primary: { url: '${from.url}' ${options.auth ? `, auth: ${options.auth.workers}` : ''} }
secondaries: [{ name: eu, url: '${to.url}' ${options.site === undefined ? '' : `, ${options.site}`} }]
`;
  const [starterFolder, workerFolder] = [await workFolder(config(gates.starter.port)), await workFolder(config(gates.worker.port))];
  const registries = { primary: primary.url, secondary: secondary.url, authorization: options.auth?.authorization };
  let starter: RunningTwinport;
  const startStarter = async (): Promise<RunningTwinport> => {
    starter = startTwinport(['starter'], starterFolder);
    await starter.waitFor(/Dashboard: /);
    return starter;
  };
  await startStarter();
  return {
    ...systemApi({ url: `http://127.0.0.1:${port}`, token: TOKEN, site: 'eu', ...registries }),
    ...{ primary, secondary, source, target, gates, startStarter, temporalPort: gates.starter.port },
    starter: () => starter,
    async startWorker(env) {
      const worker = startTwinport(['worker', '--site', 'eu'], workerFolder, env);
      await worker.waitFor(/polls/);
      return worker;
    },
    killTemporal: () => temporal.stop(0),
    async restartTemporal() {
      temporal = await startTemporal({ dbFile, port: Number(temporal.address.split(':')[1]) });
    },
    uploads: () => uploadsOf(secondary),
  };
}

/** `kill -9`, and waits for the end. */
export async function killed(process: RunningTwinport): Promise<void> {
  process.kill('SIGKILL');
  await process.ended;
}

async function openGates(temporal: EmbeddedTemporal, postgres: EmbeddedPostgres, folder: string) {
  const to = { host: '127.0.0.1', port: Number(temporal.address.split(':')[1]) };
  const { host, port, user, database } = postgres.poolConfig;
  const socket = `.s.PGSQL.${port}`;
  const [worker, starter, ledger] = await Promise.all([
    gate({ to, at: 0, grpc: true }),
    gate({ to, at: 0, grpc: true }),
    gate({ to: { path: join(host ?? '', socket) }, at: join(folder, socket) }),
  ]);
  return { worker, starter, ledger, ledgerUrl: `postgresql://${user}@/${database}?host=${encodeURIComponent(folder)}` };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'twinport-faults-'));
  await chmod(folder, 0o711);
  undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

afterAll(async () => {
  for (const one of undo.splice(0)) await one();
});
