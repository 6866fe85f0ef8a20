import type { Logger } from 'pino';
import type { SiteConfig, TwinportConfig } from '../../config/index.ts';
import { TwinportError } from '../../model/failure.ts';
import { registerSecrets } from '../../telemetry/index.ts';
import { startSystem, type System } from '../embedded/system.ts';
import { madeWebhookSecret, makeToken, takeDataDir, type DataDirLock, type RunFile } from './data-dir.ts';
import { note } from './output.ts';
import { identityOf } from './process-identity.ts';

/** How this process runs a system of its own. */
export interface OwnSystemOptions {
  readonly command: RunFile['command'];
  readonly config: TwinportConfig;
  readonly sites: readonly SiteConfig[];
  readonly temporal: 'memory' | 'file';
  readonly ui: boolean;
  readonly listen: string;
  readonly webhook: boolean;
  readonly workers: boolean;
  readonly resetSites: boolean;
  readonly logger: Logger;
  /** Checks that run while the servers start; a failure stops them again. */
  readonly meanwhile?: () => Promise<unknown>;
  /** Ends the waiting for whoever holds the data directory. */
  readonly signal?: AbortSignal;
}

/** A system of ours, its data directory locked and its `run.json` written. */
export interface OwnSystem extends System {
  readonly token: string;
  readonly webhookSecret: string;
  /** Before the end, which does it as well: from then on nobody joins it, and who has goes on by itself. */
  withdraw(): Promise<void>;
}

const START_MS = 60_000;

/**
 * Starts a system on the data directory, or finds the one that runs there.
 * @throws {TwinportError} CONFLICT (it is held by a process that does not serve), and what `startSystem` throws; the signal's reason
 */
export async function ownSystem(options: OwnSystemOptions): Promise<OwnSystem | { readonly running: RunFile }> {
  const { dataDir } = options.config;
  const lock = await takeDataDir(dataDir, {
    ...{ serveMs: START_MS, signal: options.signal },
    onWait: (pid) => note(`pid ${pid} holds ${dataDir} and starts, or ends: waiting for it`),
  });
  if ('running' in lock) return lock;
  try {
    return await startOnLock(options, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startOnLock(options: OwnSystemOptions, lock: DataDirLock): Promise<OwnSystem> {
  const { config, sites } = options;
  const token = config.control.token ?? makeToken();
  const webhookSecret = config.webhook.secret ?? (await madeWebhookSecret(config.dataDir));
  // Made ones are in no configuration.
  registerSecrets([token, webhookSecret]);
  let check = (): void => undefined;
  const checking = new Promise<void>((resolve) => (check = resolve)).then(options.meanwhile);
  const starting = startSystem({ ...options, token, webhookSecret, onSpawn: check });
  const [started, checked] = await Promise.allSettled([starting, checking]);
  if (started.status === 'rejected') throw checked.status === 'rejected' ? checked.reason : started.reason;
  const system = started.value;
  try {
    if (checked.status === 'rejected') throw checked.reason;
    const servers = await Promise.all(system.servers.map(async ({ name, pid }) => ({ name, ...(await identityOf(pid)) })));
    await lock.publish({
      command: options.command,
      url: system.url,
      token,
      sites: sites.map(({ name, fingerprint }) => ({ name, fingerprint })),
      servers,
      ...(system.webUi === undefined ? {} : { webUi: system.webUi }),
    });
  } catch (error) {
    await system.stop();
    throw error;
  }
  const stop = async (): Promise<void> => {
    try {
      await lock.withdraw();
    } finally {
      await system.stop();
      await lock.release();
    }
  };
  return { ...system, servers: system.servers, token, webhookSecret, withdraw: () => lock.withdraw(), stop };
}

/**
 * Makes sure that the system that runs already mirrors what we were asked to.
 * @throws {TwinportError} CONFLICT
 */
export function requireSameSites(running: RunFile, sites: readonly SiteConfig[], dataDir: string): void {
  const known = new Map(running.sites.map(({ name, fingerprint }) => [name, fingerprint]));
  const other = sites.find(({ name, fingerprint }) => known.get(name) !== fingerprint);
  if (!other) return;
  const what = known.has(other.name) ? `mirrors another primary, secondary or path as ${other.name}` : `does not mirror ${other.name}`;
  throw new TwinportError(
    'CONFLICT',
    `the Twinport that runs on ${dataDir} (pid ${running.pid}) ${what}; stop it first, or set another dataDir`,
  );
}
