import type { Logger } from 'pino';
import type { SiteConfig, TwinportConfig } from '../../config/index.ts';
import { readConfig } from './read-config.ts';
import { failureOf, TwinportError } from '../../model/failure.ts';
import { isLoopback } from '../starter/access.ts';
import { backfillInput } from '../starter/backfill-run.ts';
import { parseListen } from '../starter/listen-address.ts';
import { askForBackfill } from '../temporal/backfill.ts';
import { ensureSchedules, type Scheduled } from '../temporal/schedules.ts';
import type { ExitCode } from './exit-code.ts';
import { onInterruption } from './interruption.ts';
import { notificationSnippets } from '../notifications/notification-snippet.ts';
import { note, printJson, printLine } from './output.ts';
import { ownSystem, requireSameSites, type OwnSystem } from './own-system.ts';
import { senderSnippet } from '../notifications/sender-snippets.ts';
import { pingSites } from './sync/ping-sites.ts';

/** What was asked on the command line. */
export interface UpOptions {
  readonly where: { readonly file?: string; readonly primary?: string; readonly secondary?: string; readonly include?: string[] };
  readonly resetSite: boolean;
  readonly json: boolean;
  readonly logger: Logger;
}

/** The whole system on one machine, until interrupted. */
export async function runUp(options: UpOptions): Promise<ExitCode> {
  const config = readConfig({ ...options.where, sections: ['temporal', 'telemetry', 'ledger', 'control', 'webhook', 'secondaries'] });
  // A registry that is down now must not keep the others from being served.
  const warned = pingSites(config.secondaries).catch((error: unknown) => note(`warning: ${failureOf(error).message}`));
  const system = await ownSystem({
    command: 'up',
    config,
    sites: config.secondaries,
    temporal: 'file',
    ui: true,
    listen: config.webhook.listen,
    webhook: true,
    workers: true,
    resetSites: options.resetSite,
    logger: options.logger,
  });
  if ('running' in system) {
    const { running } = system;
    requireSameSites(running, config.secondaries, config.dataDir);
    if (running.command === 'sync')
      throw new TwinportError(
        'CONFLICT',
        `a sync (pid ${running.pid}) runs on ${config.dataDir}; wait for its end, or set another dataDir`,
      );
    note(`Twinport runs already on ${config.dataDir} (pid ${running.pid})`);
    printLine(`Dashboard: ${running.url}/`);
    return 0;
  }
  return serve(system, config, config.secondaries, options.json, warned);
}

/** The production starter: webhook, API, dashboard and the ledger's activities; the sites' work is their workers'. */
export async function runStarter(options: UpOptions): Promise<ExitCode> {
  const config = readConfig({ ...options.where, sections: ['temporal', 'telemetry', 'ledger', 'control', 'webhook', 'policies'] });
  if (!config.temporal)
    throw new TwinportError(
      'CONFIG',
      'a starter needs temporal.address, so that workers elsewhere find the same Temporal; for all in one process run "twinport up"',
    );
  const system = await ownSystem({
    command: 'starter',
    config,
    sites: config.secondaries,
    temporal: 'file',
    ui: false,
    listen: config.webhook.listen,
    webhook: true,
    workers: false,
    resetSites: options.resetSite,
    logger: options.logger,
  });
  if ('running' in system)
    throw new TwinportError(
      'CONFLICT',
      `a Twinport (pid ${system.running.pid}) runs already on ${config.dataDir}; set another dataDir for a second one`,
    );
  return serve(system, config, config.secondaries, options.json);
}

async function serve(
  system: OwnSystem,
  config: TwinportConfig,
  sites: readonly SiteConfig[],
  json: boolean,
  ready: Promise<unknown> = Promise.resolve(),
): Promise<ExitCode> {
  const interruption = onInterruption();
  try {
    await ready;
    announce(system, config, json);
    // At each start: nobody listened before, so something may have been missed.
    await Promise.all(sites.map((site) => askForBackfill(system.client, backfillInput(site))));
    await ensureSchedules(system.client, sites.flatMap(scheduledOf));
    await Promise.race([interruption.interrupted, system.broken]);
    return 0;
  } finally {
    await system.stop();
    interruption.close();
  }
}

/** A verification more often than a minute would only stand in its own way. */
function scheduledOf({ name: site, backfill, policy }: SiteConfig): Scheduled[] {
  return [
    { site, kind: 'backfill', everyMs: backfill.everyMs },
    { site, kind: 'verify', everyMs: Math.max(60_000, policy.verify.everyMs) },
  ];
}

function announce(system: OwnSystem, config: TwinportConfig, json: boolean): void {
  // A secret that was configured is known to whom it must be, and shown to nobody.
  const secret = config.webhook.secret === undefined ? system.webhookSecret : '<webhook.secret>';
  const { webUi } = system;
  const snippets = notificationSnippets(system.url, secret);
  const kinds = [...new Set(config.secondaries.map((site) => site.primary.kind))];
  const senders = kinds.flatMap((kind) => {
    const snippet = senderSnippet(kind, system.url, config.webhook, system.webhookSecret);
    return snippet === undefined ? [] : [{ kind, ...snippet }];
  });
  if (json) {
    printJson({
      url: system.url,
      ...(webUi === undefined ? {} : { webUi }),
      webhook: {
        gitlab: snippets.gitlabUrl,
        distribution: snippets.distributionUrl,
        ...Object.fromEntries(senders.map(({ kind, url }) => [kind, url])),
        secret,
      },
    });
    return;
  }
  printLine(`Dashboard:       ${system.url}/`);
  if (webUi !== undefined) printLine(`Temporal Web UI: ${webUi}`);
  for (const { text } of senders) printLine(`\nSo that the primary tells of each push:\n\n${text}\n`);
  if (senders.length < kinds.length) {
    printLine(
      `\nSo that the primary tells of each push, add this to its registry's configuration (Distribution):\n\n${snippets.distribution}`,
    );
    printLine(`\nor to gitlab.rb (GitLab):\n\n${snippets.gitlab}\n`);
  }
  const { host } = parseListen(config.webhook.listen);
  const primaries = config.secondaries.map((site) => new URL(site.primary.url).hostname);
  if (isLoopback(host) && primaries.some((name) => !isLoopback(name))) {
    note(`the webhook listens on ${host}, which the primary cannot reach; set webhook.listen to an address that it can`);
  }
}
