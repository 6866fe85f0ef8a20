import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CanaryStatus } from '../../../ledger/canaries.ts';
import type { SiteStatus } from '../../../ledger/site-status.ts';
import { formatAge } from '../../../model/text.ts';
import type { ApiClient } from '../api-client.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import type { ExitCode } from '../exit-code.ts';
import { onInterruption } from '../interruption.ts';
import { clean, note, printJson, printTable } from '../output.ts';
import type { Page } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly watch?: boolean;
}

const EVERY_MS = 2_000;

/** `twinport status`: how far every site is. */
export function statusCommand(): Command {
  return makeCommand('status', 'Shows how far every site is; ends with 1 if one is not ready.', 'twinport status --watch')
    .option('--site <name>', 'only this site')
    .option('--watch', 'again every 2 s, until interrupted')
    .option('--json', 'one JSON object a site')
    .action(exits((options: Options) => withApi(options.config, commandLogger('status'), (api) => showStatus(api, options))));
}

async function showStatus(api: ApiClient, options: Options): Promise<ExitCode> {
  let ready = await showOnce(api, options);
  if (options.watch !== true) return ready ? 0 : 1;
  const { signal, close } = onInterruption();
  try {
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) ready = await showOnce(api, options);
    }
  } finally {
    close();
  }
  return ready ? 0 : 1;
}

async function showOnce(api: ApiClient, { site, json }: Options): Promise<boolean> {
  const sites =
    site === undefined
      ? (await api.get<Page<SiteStatus>>('/sites')).items
      : [await api.get<SiteStatus>(`/sites/${encodeURIComponent(site)}`)];
  if (json === true) sites.forEach(printJson);
  else
    printTable(
      [
        'SITE',
        'READY',
        'TOTAL',
        'SYNCED',
        'VERIFIED',
        'FAILED',
        'QUEUED',
        'WAIVED',
        'HELD',
        'FOREIGN',
        'BACKFILL',
        'LAG',
        'PROVED',
        'MISSED',
        'REASON',
      ],
      sites.map(rowOf),
    );
  const canary = sites[0]?.canary;
  if (canary && json !== true) note(canaryText(canary));
  if (sites.length === 0) note('no site is known yet');
  return sites.length > 0 && sites.every(({ ready }) => ready);
}

function rowOf(site: SiteStatus): (string | number)[] {
  const { lagSeconds, recoveryPointSeconds, missedEvents } = site;
  const { name, ready, total, synced, verified, failed, pending, waived, held, foreign, backfill, reason } = site;
  const progress = backfill ? `${backfill.state} ${backfill.done}/${backfill.total}` : 'none';
  return [
    name,
    ready ? 'yes' : 'no',
    total,
    synced,
    verified,
    failed,
    pending,
    waived,
    held,
    foreign,
    progress,
    formatAge(lagSeconds),
    `${formatAge(recoveryPointSeconds)}${waived > 0 ? `, ${waived} waived` : ''}`,
    missedEvents.reduce((sum, { missed }) => sum + missed, 0),
    reason ?? '',
  ];
}

function canaryText({ state, pushedAt, seconds, source, failure, missed }: CanaryStatus): string {
  const lately = missed > 0 ? `; ${missed} missed in 24 hours` : '';
  const words = {
    received: `its event came after ${seconds} s (${source})`,
    waiting: 'its event has not come yet',
    missed: 'its event did not come',
    failed: `it could not be pushed: ${clean(failure ?? '')}`,
  };
  return `canary of ${pushedAt}: ${words[state]}${lately}`;
}
