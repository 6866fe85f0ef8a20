import { z } from 'zod';
import type { ParsedEvents } from '../model/change.ts';
import { OCTET_STREAM } from '../model/media-types.ts';
import { checkShape, readJson } from './invalid-envelope.ts';
import { optionalText } from './optional-text.ts';
import { changeOf, collect, type Reading } from './reading.ts';

const RIGHT = 'a registry sends {"events": […]}';

/** Only the shape that every sender keeps; unknown keys pass, events are judged one by one. */
const ENVELOPE = z.looseObject({ events: z.array(z.unknown()) });

const NOTIFICATION = z.looseObject({
  id: optionalText,
  action: z.string(),
  target: z.looseObject({ repository: optionalText, tag: optionalText, digest: optionalText, mediaType: optionalText }).nullish(),
});

/** One event of a registry's envelope, with absent fields absent. */
export type Notification = z.infer<typeof NOTIFICATION>;

/**
 * Reads the envelope that Distribution and its descendants send.
 * @param readOne judges one event; it must not throw
 * @throws {InvalidEnvelope} INVALID with the path of the field
 * @see https://distribution.github.io/distribution/about/notifications/
 */
export function parseEnvelope(body: Uint8Array, readOne: (event: Notification) => Reading): ParsedEvents {
  const { events } = checkShape(ENVELOPE, readJson(body, RIGHT), RIGHT);
  return collect(events.map((event) => readNotification(event, readOne)));
}

/** Judges what may be one event of Distribution's shape, which ACR sends as well. */
export function readNotification(event: unknown, readOne: (event: Notification) => Reading): Reading {
  const read = NOTIFICATION.safeParse(event);
  return read.success ? readOne(read.data) : 'malformed';
}

/** Reads a `push` or `delete`; everything else is ignored. */
export function readChange(source: string, { id, action, target }: Notification): Reading {
  if (action === 'pull' || action === 'mount') return action;
  if (action !== 'push' && action !== 'delete') return 'unknown action';
  const { repository, tag, digest, mediaType } = target ?? {};
  const reading = changeOf(source, { id, action, repository, tag, digest });
  const isBlob = action === 'push' && tag === undefined && mediaType?.split(';')[0]?.trim().toLowerCase() === OCTET_STREAM;
  return isBlob && (typeof reading !== 'string' || reading === 'nothing named') ? 'blob' : reading;
}
