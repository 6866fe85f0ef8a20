import type { ImageStatus } from '../../../ledger/images.ts';
import type { SiteStatus } from '../../../ledger/site-status.ts';
import type { Depth } from '../../../model/policy.ts';
import { count } from '../../../model/text.ts';
import { NO_WORK } from '../../../model/work.ts';
import type { BackfillState } from '../../starter/backfill-run.ts';
import type { ApiClient } from '../api-client.ts';
import type { ExitCode } from '../exit-code.ts';
import { clean, note, printJson, printLine } from '../output.ts';
import { startProgress } from '../progress.ts';
import { endFailure, followBackfill, sitePath, type Following } from './follow.ts';
import { describeResult, isComplete, resultOf, totalOf, type SyncResult } from './result.ts';

/** Failed images that are named at the end. */
const REASONS = 10;

/** What a sync asks of whoever does the work. */
export interface ThroughOptions {
  readonly verify: 'auto' | Depth;
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly ended?: Following['ended'];
}

/**
 * Has every site backfilled through an API, waits with progress, and prints the results.
 * @throws {TwinportError} what the API says; the signal's reason when interrupted
 */
export async function syncThrough(api: ApiClient, sites: readonly string[], options: ThroughOptions): Promise<ExitCode> {
  const since = performance.now();
  const display = startProgress();
  let ends: readonly SiteEnd[];
  try {
    ends = await Promise.all(sites.map((site) => syncSite(api, site, options, { ...options, display }, since)));
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

async function syncSite(api: ApiClient, site: string, options: ThroughOptions, following: Following, since: number): Promise<SiteEnd> {
  const state = await runAnew(api, site, options, following);
  const status = await api.get<SiteStatus>(sitePath(site));
  const failure = endFailure(site, state);
  if (failure) note(clean(failure.message));
  const failures = state.failures ?? [];
  for (const { repository, failure: why } of failures) note(`${site}: ${clean(repository)}: ${clean(why.message)}`);
  explainHeld(site, status);
  if (status.failed > 0) await explainFailures(api, site, status.failed);
  const result = resultOf(status, state.work ?? NO_WORK, (performance.now() - since) / 1000);
  const held = status.regressed ? status.regressed.state !== 'approved' : false;
  return { site, result, whole: failure === undefined && failures.length === 0 && !held };
}

/** What waits for a person, and the command that decides. */
function explainHeld(site: string, { regressed, heldMoves }: SiteStatus): void {
  if (regressed && regressed.state !== 'approved')
    note(
      `${site}: held: primary regressed: it lacks ${regressed.missing} of ${regressed.sampled} digests that were verified from it; nothing is overwritten or deleted unless "twinport primary approve --site ${site}" says so`,
    );
  if (heldMoves > 0)
    note(
      `${site}: ${count(heldMoves, 'move')} ${heldMoves === 1 ? 'waits' : 'wait'} for a person; "twinport moves list --site ${site}" shows them`,
    );
}

/** The first few, with their reasons: who waits for a sync wants to know what to mend. */
async function explainFailures(api: ApiClient, site: string, failed: number): Promise<void> {
  const { items } = await api.get<{ items: readonly ImageStatus[] }>(sitePath(site, `images?state=failed&limit=${REASONS}`));
  for (const { reference, reason } of items) note(`${site}: ${clean(reference)}: ${clean(reason ?? 'no reason is known')}`);
  if (failed > items.length) note(`${site}: and ${failed - items.length} more; "twinport images --site ${site} --state failed" lists them`);
}

/** A run that began before we asked may have passed what we are asked for: its end is awaited, then one of our own. */
async function runAnew(api: ApiClient, site: string, options: ThroughOptions, following: Following): Promise<BackfillState> {
  const { paused } = await api.get<SiteStatus>(sitePath(site));
  if (paused) note(`${site} is paused: nothing is copied until "twinport resume --site ${site}"`);
  for (;;) {
    const { joined } = await api.post<{ joined: boolean }>(sitePath(site, 'backfill/start'), { verify: options.verify, once: true });
    if (joined) note(`a backfill of ${site} is under way; a fresh one follows it`);
    const state = await followBackfill(api, site, following);
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
