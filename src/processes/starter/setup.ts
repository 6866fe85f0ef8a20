import type { TwinportConfig } from '../../config/index.ts';
import type { SiteStatus } from '../../ledger/site-status.ts';
import { TwinportError } from '../../model/failure.ts';
import { checkSecret } from '../doctor/control-checks.ts';
import { tryCheck, type CheckedPart } from '../doctor/check.ts';
import { notificationSnippets } from '../notifications/notification-snippet.ts';
import { senderSnippet } from '../notifications/sender-snippets.ts';
import { statusOfSites, type ControlParts } from './parts.ts';
import { probeLedger, probeTemporal } from './probes.ts';

/** What the setup is told from: only a starter knows how its webhook is configured. */
export type SetupParts = ControlParts & {
  readonly config?: Partial<Pick<TwinportConfig, 'webhook' | 'control'>>;
  readonly webhookSecret?: string;
};

/** One thing that was looked at; `ok` is null where this process cannot tell. */
export interface SetupCheck {
  readonly name: string;
  readonly ok: boolean | null;
  readonly message: string;
  readonly remedy: string | null;
}

export interface SetupState {
  readonly checkedAt: string;
  readonly checks: readonly SetupCheck[];
}

/** Whoever asks more often is told the same. */
const KEEP_MS = 5_000;

/** Looks at what `twinport doctor` tries, as far as a process without any registry's credentials can; one look at a time, for all who ask. */
export function createSetup(parts: SetupParts): () => Promise<SetupState> {
  let latest: { readonly at: number; readonly state: Promise<SetupState> } | undefined;
  return () => {
    if (!latest || performance.now() - latest.at > KEEP_MS) latest = { at: performance.now(), state: look(parts) };
    return latest.state;
  };
}

/** What the primary is to be configured with so that it tells of pushes; a made secret is shown to whoever may act alone. */
export function notificationsFor(parts: SetupParts, base: string, mayAct: boolean): { kind: string; text: string } | null {
  const { webhookSecret = '', sites } = parts;
  const webhook = parts.config?.webhook;
  const kind = sites[0]?.primary?.kind;
  if (!webhook || kind === undefined) return null;
  const made = mayAct ? webhookSecret : '<the secret: ask with the token>';
  const own = senderSnippet(kind, base, webhook, made);
  if (own) return { kind, text: own.text };
  const snippets = notificationSnippets(base, webhook.secret === undefined ? made : '<webhook.secret>');
  return { kind, text: kind === 'gitlab' ? snippets.gitlab : snippets.distribution };
}

async function look(parts: SetupParts): Promise<SetupState> {
  const { client, config: { webhook } = {} } = parts;
  const checks = await Promise.all([
    tryCheck('Temporal', () => answers('Temporal', client && probeTemporal(client))),
    tryCheck('ledger', () => answers('the ledger', probeLedger(parts.ledger))),
    ...(webhook ? [tryCheck('webhook secret', async () => checkSecret({ webhook }))] : []),
  ]);
  return { checkedAt: new Date().toISOString(), checks: [...checks.map(told), ...(await siteChecks(parts)), ...REGISTRIES] };
}

async function answers(who: string, probe: Promise<void> | undefined): Promise<{ found: string }> {
  try {
    if (!probe) throw new Error('it is not connected');
    await probe;
    return { found: `${who} answers` };
  } catch (cause) {
    throw new TwinportError('UNREACHABLE', `${who} does not answer`, { cause });
  }
}

/** Whether workers poll, and whether events come: what the ledger knows of it. */
async function siteChecks(parts: SetupParts): Promise<SetupCheck[]> {
  const sites = await statusOfSites(parts).catch(() => []);
  const lastEvent = sites[0]?.lastEvent;
  const events: SetupCheck = lastEvent
    ? { name: 'events', ok: true, message: `the last one came at ${lastEvent.at}, from ${lastEvent.source}`, remedy: null }
    : { name: 'events', ok: null, message: 'none has come yet', remedy: 'configure the primary as shown, and push to it' };
  return [...sites.map(workersCheck), ...(sites.length > 0 ? [events] : [])];
}

function workersCheck({ name: site, workers, temporalAway }: SiteStatus): SetupCheck {
  const name = `workers of ${site}`;
  if (workers > 0) return { name, ok: true, message: `${workers} ${workers === 1 ? 'is' : 'are'} there`, remedy: null };
  if (temporalAway) return { name, ok: null, message: 'nobody can tell while Temporal does not answer', remedy: null };
  return { name, ok: false, message: 'none is there', remedy: `start "twinport worker --site ${site}"` };
}

const REGISTRIES: readonly SetupCheck[] = [
  {
    name: 'registries',
    ok: null,
    message: 'this process has no credentials of registries, so it cannot try them',
    remedy: 'run "twinport doctor" beside the worker',
  },
];

const told = ({ name, ok, found, fix }: CheckedPart): SetupCheck => ({ name, ok, message: found, remedy: fix });
