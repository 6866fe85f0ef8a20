import { z } from 'zod';
import type { Change, ParsedEvents } from '../model/change.ts';
import { isDigest } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import { OCTET_STREAM } from '../model/media-types.ts';
import { isRepositoryName, isTagName } from '../model/reference.ts';

/** Only the shape that every sender keeps; unknown keys pass, events are judged one by one. */
const ENVELOPE = z.looseObject({ events: z.array(z.unknown()) });

/** v3 writes empty strings and 2.8 leaves the keys out: both mean absent. */
const text = z
  .string()
  .nullish()
  .transform((value) => (value === '' || value === null ? undefined : value));

const NOTIFICATION = z.looseObject({
  id: text,
  action: z.string(),
  target: z.looseObject({ repository: text, tag: text, digest: text, mediaType: text }).nullish(),
});

/** One event of a registry's envelope, with absent fields absent. */
export type Notification = z.infer<typeof NOTIFICATION>;

/** What a reader makes of one event: changes, or one word for why there are none. */
export type Reading = readonly Change[] | string;

/**
 * Reads the envelope that Distribution and its descendants send.
 * @param readOne judges one event; it must not throw
 * @throws {TwinportError} INVALID with the path of the field
 * @see https://distribution.github.io/distribution/about/notifications/
 */
export function parseEnvelope(body: Uint8Array, readOne: (event: Notification) => Reading): ParsedEvents {
  const changes: Change[] = [];
  const ignored: Record<string, number> = {};
  for (const raw of readEvents(body)) {
    const event = NOTIFICATION.safeParse(raw);
    const reading = event.success ? readOne(event.data) : 'malformed';
    if (typeof reading === 'string') ignored[reading] = (ignored[reading] ?? 0) + 1;
    else changes.push(...reading);
  }
  return { changes, ignored };
}

/** Reads a `push` or `delete`; everything else is ignored under a word of a closed list, for it becomes a metric's label. */
export function readChange(source: string, event: Notification): Reading {
  if (event.action === 'pull' || event.action === 'mount') return event.action;
  if (event.action !== 'push' && event.action !== 'delete') return 'unknown action';
  const { repository, tag, digest, mediaType } = event.target ?? {};
  if (repository === undefined) return 'no repository';
  if (!isRepositoryName(repository)) return 'bad name';
  if (tag !== undefined && !isTagName(tag)) return 'bad tag';
  if (digest !== undefined && !isDigest(digest)) return 'bad digest';
  if (event.action === 'push' && tag === undefined) {
    if (mediaType?.split(';')[0]?.trim().toLowerCase() === OCTET_STREAM) return 'blob';
    if (digest === undefined) return 'nothing named';
  }
  return [
    {
      id: event.id ?? '',
      source,
      repository,
      action: event.action,
      ...(tag === undefined ? {} : { tag }),
      ...(digest === undefined ? {} : { digest }),
    },
  ];
}

function readEvents(body: Uint8Array): readonly unknown[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new TwinportError('INVALID', 'the body is not JSON; a registry sends {"events": […]}', { cause });
  }
  const envelope = ENVELOPE.safeParse(json);
  if (envelope.success) return envelope.data.events;
  const issue = envelope.error.issues[0];
  const path = issue?.path.join('.') ?? '';
  throw new TwinportError(
    'INVALID',
    `${path === '' ? 'the body' : path}: ${issue?.message ?? 'not an envelope'}; a registry sends {"events": […]}`,
  );
}
