import { z } from 'zod';
import type { EventMessage, EventSource } from '../event-source.ts';
import { parseImageAddress } from '../image-address.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { optionalText } from '../optional-text.ts';
import { changeOf, collect, type Reading } from '../reading.ts';

const SOURCE = 'gar';
const RIGHT = 'Pub/Sub sends {"message": {"data", "messageId"}, "subscription"}, or, unwrapped, {"action", "digest", "tag"}';
const WRAPPED = z.looseObject({ message: z.looseObject({ data: z.string(), messageId: optionalText }) });
const UNWRAPPED = z.looseObject({ action: z.string() });
const NOTIFICATION = z.looseObject({ action: z.string(), digest: optionalText, tag: optionalText });

/**
 * What Artifact Registry (and the gcr.io names in it) publishes to the topic `gcr`, sent on by a push subscription.
 * @see https://cloud.google.com/artifact-registry/docs/configure-notifications
 * @see https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export const gar: EventSource = {
  name: SOURCE,
  proofs: [
    {
      by: 'token',
      issuers: ['https://accounts.google.com', 'accounts.google.com'],
      keySet: 'https://www.googleapis.com/oauth2/v3/certs',
    },
  ],
  parse({ body, headers }) {
    const json = readJson(body, RIGHT);
    if (typeof json === 'object' && json !== null && 'action' in json) {
      checkShape(UNWRAPPED, json, RIGHT);
      return collect([readNotification(messageId(headers), json)]);
    }
    const { message } = checkShape(WRAPPED, json, RIGHT);
    return collect([readNotification(message.messageId, decode(message.data))]);
  },
};

/** `tag` and `digest` are whole addresses, with the host of the repository's location. */
function readNotification(id: string | undefined, data: unknown): Reading {
  const read = NOTIFICATION.safeParse(data);
  if (!read.success) return 'malformed';
  const { action, digest, tag } = read.data;
  if (action !== 'INSERT' && action !== 'DELETE') return 'unknown action';
  const byTag = tag === undefined ? undefined : parseImageAddress(tag);
  const byDigest = digest === undefined ? undefined : parseImageAddress(digest);
  const { repository } = byTag ?? byDigest ?? {};
  if (byTag && byDigest && byDigest.repository !== repository) return 'malformed';
  // A deletion that names neither would stand for the whole repository.
  if (byTag?.tag === undefined && byDigest?.digest === undefined) return 'nothing named';
  return changeOf(SOURCE, {
    id,
    action: action === 'INSERT' ? 'push' : 'delete',
    repository,
    tag: byTag?.tag,
    digest: byDigest?.digest,
  });
}

/** Anybody who may publish to the topic can put other things into it: those are no reason to refuse the message. */
function decode(data: string): unknown {
  try {
    return JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

const messageId = (headers: EventMessage['headers']): string | undefined => headers['x-goog-pubsub-message-id'];
