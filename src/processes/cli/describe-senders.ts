import type { WebhookConfig } from '../../config/index.ts';
import { eventSources, type EventSource } from '../../events/index.ts';

/** What each source of events is asked for, without secrets. */
export function describeSenders(config: WebhookConfig): Record<string, string> {
  return Object.fromEntries(Object.values(eventSources).map((source) => [source.name, describe(source, config)]));
}

/** The same of those that have settings of their own. */
export function ownSenders(config: WebhookConfig): [string, string][] {
  const own = new Set([config.secrets, config.tokens ?? {}, config.naming ?? {}].flatMap(Object.keys));
  return Object.entries(describeSenders(config)).filter(([source]) => own.has(source));
}

function describe({ name, proofs, naming }: EventSource, { secret, secrets, tokens, naming: configured }: WebhookConfig): string {
  const names = naming === undefined ? '' : `; images are named ${configured?.[name] ?? naming}`;
  if (proofs.some(({ by }) => by === 'token')) {
    const expected = tokens?.[name];
    return expected ? `a token of ${expected.email} for ${expected.audience}` : `not taken: webhook.secrets.${name} is not configured`;
  }
  if (Object.hasOwn(secrets, name)) return `webhook.secrets.${name}${names}`;
  return `${secret === undefined ? 'the secret that is made at the first start' : 'webhook.secret'}${names}`;
}
