import { z } from 'zod';
import type { EventSource } from '../event-source.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { changeOf, collect, type Reading } from '../reading.ts';

const SOURCE = 'quay';
const RIGHT = 'Quay sends {"repository": "namespace/name", "updated_tags": ["…"]}';
/** Old servers send a map of tags to image ids. */
const TAGS = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown()).transform(Object.keys)], {
  error: 'expected a list of tags',
});
const NOTIFICATION = z.looseObject({ repository: z.string(), updated_tags: TAGS.nullish() });

/**
 * What a notification of a Quay repository sends: the tags of a push, without digests. Builds and scans come with the same keys but `updated_tags`.
 * @see https://docs.quay.io/guides/notifications.html
 */
export const quay: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'path' }, { by: 'authorization' }],
  parse({ body }) {
    const { repository, updated_tags: tags } = checkShape(NOTIFICATION, readJson(body, RIGHT), RIGHT);
    if (tags === null || tags === undefined) return collect(['other event']);
    return collect(tags.length === 0 ? ['nothing named'] : tags.map((tag) => readTag(repository, tag)));
  },
};

function readTag(repository: string, tag: unknown): Reading {
  return typeof tag === 'string' ? changeOf(SOURCE, { action: 'push', repository, tag }) : 'malformed';
}
