import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { loadConfig, type SiteConfig, type TwinportConfig } from '../../../config/index.ts';
import type { SiteStatus } from '../../../ledger/site-status.ts';
import { failureOf, TwinportError } from '../../../model/failure.ts';
import type { Depth } from '../../../model/policy.ts';
import { NO_WORK } from '../../../model/steps.ts';
import { count } from '../../../model/text.ts';
import type { BackfillState } from '../../starter/backfill-run.ts';
import type { ApiClient } from '../api-client.ts';
import { remoteApi } from '../api-client.ts';
import { openApi } from '../control.ts';
import type { ExitCode } from '../exit-code.ts';
import { onInterruption, type Interruption } from '../interruption.ts';
import { clean, note, printJson, printLine } from '../output.ts';
import { ownSystem, requireSameSites, type OwnSystem } from '../own-system.ts';
import { startProgress, type ProgressDisplay } from '../progress.ts';
import { dryRun } from './dry-run.ts';
import { endFailure, followBackfill, sitePath } from './follow.ts';
import { pingSites } from './ping-sites.ts';
import { describeResult, isComplete, resultOf, totalOf, type SyncResult } from './result.ts';

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
    const where = { ...pick(options), sections: ['temporal', 'ledger', 'control', 'webhook', 'secondaries'] } as const;
    if (options.dryRun) return await compareAll(loadConfig({ ...where, sections: ['secondaries'] }).secondaries, options, interruption);
    // Where the workers are elsewhere, this process needs no registry's password.
    const outer = loadConfig({ ...where, sections: ['temporal'] });
    if (outer.temporal) return await syncElsewhere(options, interruption);
    return await syncHere(loadConfig({ ...where, sections: [...where.sections] }), options, interruption);
  } finally {
    interruption.close();
  }
}

async function compareAll(sites: readonly SiteConfig[], options: SyncOptions, { signal }: Interruption): Promise<ExitCode> {
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
  const config = loadConfig({ ...pick(options), sections: ['policies'] });
  const api = await openApi(config.file, options.logger);
  try {
    note(`the workers of ${api.where} do the work; to stop it, use "twinport backfill cancel"`);
    return await syncThrough(
      api,
      config.secondaries.map(({ name }) => name),
      options,
      interruption.signal,
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
    ...{ resetSites: options.resetSite, logger: options.logger, meanwhile: pingSites(sites, interruption.signal) },
  });
  if ('running' in system) {
    const { running } = system;
    requireSameSites(running, sites, config.dataDir);
    note(`a Twinport (pid ${running.pid}, "${running.command}") runs on ${config.dataDir}; it does the work`);
    return syncThrough(remoteApi(running.url, running.token), names, options, interruption.signal);
  }
  try {
    const api = remoteApi(system.url, system.token);
    return await Promise.race([syncThrough(api, names, options, interruption.signal), system.broken]);
  } catch (error) {
    if (interruption.signal.aborted) await cancelAll(system, names);
    throw error;
  } finally {
    await system.stop();
  }
}

async function syncThrough(api: ApiClient, sites: readonly string[], options: SyncOptions, signal: AbortSignal): Promise<ExitCode> {
  const since = performance.now();
  const display = startProgress();
  let ends: readonly SiteEnd[];
  try {
    ends = await Promise.all(sites.map((site) => syncSite(api, site, options, display, signal, since)));
  } catch (error) {
    if (signal.aborted) throw new TwinportError('CANCELLED', 'interrupted: not everything is replicated', { cause: error });
    throw error;
  } finally {
    display.stop();
  }
  printResults(ends, options.json);
  return ends.every(({ whole, result }) => whole && isComplete(result)) ? 0 : 1;
}

interface SiteEnd {
  readonly site: string;
  readonly result: SyncResult;
  /** The backfill went through, and every repository could be compared. */
  readonly whole: boolean;
}

async function syncSite(
  api: ApiClient,
  site: string,
  options: SyncOptions,
  display: ProgressDisplay,
  signal: AbortSignal,
  since: number,
): Promise<SiteEnd> {
  const state = await runAnew(api, site, options, display, signal);
  const status = await api.get<SiteStatus>(sitePath(site));
  const failure = endFailure(site, state);
  if (failure) note(clean(failure.message));
  const failures = state.failures ?? [];
  for (const { repository, failure: why } of failures) note(`${site}: ${clean(repository)}: ${clean(why.message)}`);
  const result = resultOf(status, state.work ?? NO_WORK, (performance.now() - since) / 1000);
  return { site, result, whole: failure === undefined && failures.length === 0 };
}

/** A run that began before we asked may have passed what we are asked for: its end is awaited, then one of our own. */
async function runAnew(
  api: ApiClient,
  site: string,
  options: SyncOptions,
  display: ProgressDisplay,
  signal: AbortSignal,
): Promise<BackfillState> {
  for (;;) {
    const { joined } = await api.post<{ joined: boolean }>(sitePath(site, 'backfill/start'), { verify: options.verify, once: true });
    if (joined) note(`a backfill of ${site} is under way; a fresh one follows it`);
    const state = await followBackfill(api, site, display, signal);
    if (!joined) return state;
  }
}

function printResults(ends: readonly SiteEnd[], json: boolean): void {
  const total = totalOf(ends.map(({ result }) => result));
  if (ends.length > 1) {
    for (const { site, result } of ends) {
      if (json) printJson({ site, ...result });
      else printLine(`${site}: ${describeResult(result)}`);
    }
  }
  if (json) printJson(total);
  else printLine(describeResult(total));
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
