import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { SiteConfig, TwinportConfig } from '../../../config/index.ts';
import { failureOf, TwinportError } from '../../../model/failure.ts';
import type { Depth } from '../../../model/policy.ts';
import { count } from '../../../model/text.ts';
import type { BackfillState } from '../../starter/backfill-run.ts';
import { remoteApi } from '../api-client.ts';
import { readConfig } from '../read-config.ts';
import { openApi } from '../control.ts';
import type { ExitCode } from '../exit-code.ts';
import { onInterruption, type Interruption } from '../interruption.ts';
import { clean, note, printJson, printLine } from '../output.ts';
import { ownSystem, requireSameSites, type OwnSystem } from '../own-system.ts';
import { hasEnded, joinedApi } from './joined-api.ts';
import { sitePath } from './follow.ts';
import { syncThrough } from './sync-through.ts';

/** What was asked on the command line. */
export interface SyncOptions {
  readonly file?: string;
  readonly primary?: string;
  readonly secondary?: string;
  readonly include?: readonly string[];
  readonly verify: 'auto' | Depth;
  readonly dryRun: boolean;
  readonly resetSite: boolean;
  readonly json: boolean;
  readonly logger: Logger;
}

/** How long a cancelled backfill may take to clean up behind it. */
const CANCEL_MS = 4_000;

/** One full backfill of every site, to its end. */
export async function runSync(options: SyncOptions): Promise<ExitCode> {
  const interruption = onInterruption();
  try {
    const where = { ...pick(options), sections: ['temporal', 'telemetry', 'ledger', 'control', 'webhook', 'secondaries'] } as const;
    if (options.dryRun) return await compareAll(readConfig({ ...where, sections: ['secondaries'] }).secondaries, options, interruption);
    // Where the workers are elsewhere, this process needs no registry's password.
    const outer = readConfig({ ...where, sections: ['temporal'] });
    if (outer.temporal) return await syncElsewhere(options, interruption);
    return await syncHere(readConfig({ ...where, sections: [...where.sections] }), options, interruption);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    throw new TwinportError('CANCELLED', 'interrupted: not everything is replicated', { cause: error });
  } finally {
    interruption.close();
  }
}

async function compareAll(sites: readonly SiteConfig[], options: SyncOptions, { signal }: Interruption): Promise<ExitCode> {
  const [{ pingSites }, { dryRun }] = await Promise.all([import('./ping-sites.ts'), import('./dry-run.ts')]);
  await pingSites(sites, signal);
  let failed = 0;
  for (const site of sites) {
    const tell = {
      differs: (tag: object & { reference: string }) =>
        options.json ? printJson(tag) : printLine(`${site.name}  ${clean(tag.reference)}`),
      fails: (reference: string, why: string) => note(`${site.name}: ${clean(reference)}: ${clean(why)}`),
    };
    const found = await dryRun(site, tell, signal);
    note(
      `${site.name}: ${count(found.tags, 'tag')} compared, ${found.differ} would be copied${found.failed > 0 ? `, ${found.failed} could not be read` : ''}`,
    );
    failed += found.failed;
  }
  return failed > 0 ? 1 : 0;
}

async function syncElsewhere(options: SyncOptions, interruption: Interruption): Promise<ExitCode> {
  const config = readConfig({ ...pick(options), sections: ['policies'] });
  const api = await openApi(config.file, options.logger);
  try {
    note(`the workers of ${api.where} do the work; to stop it, use "twinport backfill cancel"`);
    return await syncThrough(
      api,
      config.secondaries.map(({ name }) => name),
      { ...options, signal: interruption.signal },
    );
  } finally {
    await api.close();
  }
}

async function syncHere(config: TwinportConfig, options: SyncOptions, interruption: Interruption): Promise<ExitCode> {
  const sites = config.secondaries;
  const names = sites.map(({ name }) => name);
  const system = await ownSystem({
    ...{ command: 'sync', config, sites, temporal: 'memory', ui: false, listen: '127.0.0.1:0', webhook: false, workers: true },
    ...{ resetSites: options.resetSite, logger: options.logger, signal: interruption.signal },
    meanwhile: async () => (await import('./ping-sites.ts')).pingSites(sites, interruption.signal),
  });
  if ('running' in system) {
    const { running } = system;
    requireSameSites(running, sites, config.dataDir);
    note(`a Twinport (pid ${running.pid}, "${running.command}") runs on ${config.dataDir}; it does the work`);
    try {
      return await syncThrough(joinedApi(config.dataDir, running), names, { ...options, signal: interruption.signal });
    } catch (error) {
      if (interruption.signal.aborted || !hasEnded(error)) throw error;
      note(`${failureOf(error).message}; this sync goes on by itself`);
      return syncHere(config, options, interruption);
    }
  }
  try {
    const api = remoteApi(system.url, system.token);
    const { awaitBackfill } = await import('../../temporal/backfill.ts');
    // Whatever the end, it is an end: how it went is asked afterwards.
    const ended = (site: string, runId: string) => awaitBackfill(system.client, site, runId).catch(() => undefined);
    return await Promise.race([syncThrough(api, names, { ...options, signal: interruption.signal, ended }), system.broken]);
  } catch (error) {
    if (interruption.signal.aborted) {
      await system.withdraw();
      await cancelAll(system, names);
    }
    throw error;
  } finally {
    await system.stop();
  }
}

/** So that uploads under way are given up at the secondary, too. */
async function cancelAll(system: OwnSystem, sites: readonly string[]): Promise<void> {
  const api = remoteApi(system.url, system.token);
  const deadline = Date.now() + CANCEL_MS;
  const cancelled = sites.map(async (site) => {
    await api.post(sitePath(site, 'backfill/cancel'));
    while (Date.now() < deadline && (await api.get<BackfillState>(sitePath(site, 'backfill'))).status === 'RUNNING') await sleep(100);
  });
  for (const outcome of await Promise.allSettled(cancelled)) {
    if (outcome.status === 'rejected') note(`the backfill could not be cancelled: ${failureOf(outcome.reason).message}`);
  }
}

function pick({ file, primary, secondary, include }: SyncOptions): {
  file?: string;
  primary?: string;
  secondary?: string;
  include?: string[];
} {
  return {
    ...(file === undefined ? {} : { file }),
    ...(primary === undefined ? {} : { primary }),
    ...(secondary === undefined ? {} : { secondary }),
    ...(include === undefined ? {} : { include: [...include] }),
  };
}
