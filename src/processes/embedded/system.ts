import type { Client } from '@temporalio/client';
import type { TemporalConfig } from '../../config/index.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { TwinportError } from '../../model/failure.ts';
import type { KeptServer } from './keep-running.ts';
import { keepPostgres } from './kept-postgres.ts';
import { keepTemporal } from './kept-temporal.ts';
import { createStack, type Stack } from './stack.ts';
import type { PartsOptions } from './system-parts.ts';

/** What is to run in this process. */
export interface SystemOptions extends PartsOptions {
  /** Where the embedded dev server keeps its state; a configured `temporal.address` is used whatever this says. */
  readonly temporal: 'memory' | 'file';
  /** Serve Temporal's Web UI. */
  readonly ui: boolean;
  /** Told once the embedded servers' processes are there, ready or not, or will not be: what takes this thread for itself comes after them. */
  readonly onSpawn?: () => void;
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
  const breaks = createBreak();
  const reachingTemporal = spawning((onSpawn) => reachTemporal(options, stack, breaks.fail, onSpawn));
  const reachingLedger = spawning((onSpawn) => reachLedger(options, stack, breaks.fail, onSpawn));
  const spawned = Promise.all([reachingTemporal.spawned, reachingLedger.spawned]);
  void spawned.then(options.onSpawn);
  // What is to run on the servers takes as long to load as they take to start.
  const loading = spawned.then(() => import('./system-parts.ts'));
  const connecting = Promise.all([reachingTemporal.done, loading]).then(async ([{ config }, parts]) => ({
    runOnServers: parts.runOnServers,
    connected: await parts.connectParts(options, config, stack),
  }));
  const [temporal, ledger, { runOnServers, connected }] = await allSettled(reachingTemporal.done, reachingLedger.done, connecting);
  const servers = [temporal.server, ledger.server].filter((server) => server !== undefined);
  const webUi = temporal.webUi === undefined ? {} : { webUi: temporal.webUi };
  const parts = await runOnServers(options, {
    ...{ temporal: connected, ledger: ledger.ledger, stack, fail: breaks.fail },
    own: temporal.server !== undefined && options.temporal === 'memory',
    ...webUi,
  });
  return {
    ...parts,
    ...webUi,
    ledger: ledger.ledger,
    get servers() {
      return servers.map(({ name, pid }) => ({ name, pid }));
    },
    broken: breaks.broken,
    stop: () => stack.close(),
  };
}

interface ReachedTemporal {
  readonly config: TemporalConfig;
  readonly webUi?: string;
  readonly server?: KeptServer;
}

async function reachTemporal(
  options: SystemOptions,
  stack: Stack,
  fail: (error: TwinportError) => void,
  onSpawn: () => void,
): Promise<ReachedTemporal> {
  const { config, logger, ui } = options;
  if (config.temporal) {
    onSpawn();
    return { config: config.temporal };
  }
  const kept = await keepTemporal({ dataDir: config.dataDir, state: options.temporal, ui, logger, fail, onSpawn });
  stack.add('Temporal', () => kept.server.stop());
  const webUi = kept.uiUrl === undefined ? {} : { webUi: kept.uiUrl };
  return { config: { address: kept.address, namespace: 'default' }, server: kept.server, ...webUi };
}

async function reachLedger(
  options: SystemOptions,
  stack: Stack,
  fail: (error: TwinportError) => void,
  onSpawn: () => void,
): Promise<{ ledger: Ledger; server?: KeptServer }> {
  const { config, logger } = options;
  // Nothing is to be waited for.
  if (config.ledger) onSpawn();
  const kept = config.ledger ? undefined : await keepPostgres({ dataDir: config.dataDir, logger, fail, onSpawn });
  if (kept) stack.add('PostgreSQL', () => kept.server.stop());
  const { openLedger } = await import('../../ledger/ledger.ts');
  const ledger = await openLedger(config.ledger?.url ?? kept?.poolConfig ?? '');
  stack.add('ledger', () => ledger.close());
  return { ledger, ...(kept ? { server: kept.server } : {}) };
}

/** Begins what tells of a process that it starts; what is over without one is past that, too. */
function spawning<T>(begin: (onSpawn: () => void) => Promise<T>): { readonly done: Promise<T>; readonly spawned: Promise<void> } {
  let tell = (): void => undefined;
  const spawned = new Promise<void>((resolve) => (tell = resolve));
  const done = begin(tell);
  void done.then(tell, tell);
  return { done, spawned };
}

/** All results, or the first failure once all have settled: what the others started must be on the stack by then. */
async function allSettled<A, B, C>(...all: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

function createBreak(): { readonly broken: Promise<never>; readonly fail: (error: TwinportError) => void } {
  let fail: (error: TwinportError) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => (fail = reject));
  // Who waits for nothing else may not wait for this either; then it is no crash.
  broken.catch(() => undefined);
  return { broken, fail };
}
