import type { z } from 'zod';
import type { webhook } from './schema/webhook.ts';
import type { WebhookConfig } from './twinport-config.ts';

/** Sorts what was written of each sender by what it is used for. */
export function buildWebhook({ listen, secret, secrets }: z.output<typeof webhook>): WebhookConfig {
  const senders = Object.entries(secrets).flatMap(([name, settings]) => (settings === undefined ? [] : [{ name, ...settings }]));
  const by = <T>(value: (sender: (typeof senders)[number]) => T | undefined): Record<string, T> =>
    Object.fromEntries(
      senders.flatMap((sender) => {
        const found = value(sender);
        return found === undefined ? [] : [[sender.name, found]];
      }),
    );
  const tokens = by(({ token }) => token);
  const naming = by((sender) => sender.naming);
  return {
    listen,
    ...(secret === undefined ? {} : { secret }),
    secrets: by((sender) => sender.secret),
    ...(Object.keys(tokens).length === 0 ? {} : { tokens }),
    ...(Object.keys(naming).length === 0 ? {} : { naming }),
  };
}
