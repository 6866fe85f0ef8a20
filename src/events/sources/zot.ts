import { readCloudEvents, type CloudEvent } from '../cloud-event.ts';
import { readByType, ZOT_TYPES } from '../cloud-event-types.ts';
import type { EventSource } from '../event-source.ts';
import { collect } from '../reading.ts';

/**
 * What zot's extension `events` sends: CloudEvents, binary by default.
 * @see https://zotregistry.dev/v2.1.21/articles/events/
 */
export const zot: EventSource = {
  name: 'zot',
  proofs: [{ by: 'authorization' }],
  parse: (message) => collect(readCloudEvents(message).flatMap((event) => readByType('zot', ZOT_TYPES, event && withUsualPrefix(event)))),
};

/** Since 2.1.21 the prefix of the types can be configured. */
function withUsualPrefix(event: CloudEvent): CloudEvent {
  return { ...event, type: event.type.replace(/^.*\.(?=image\.[a-z_]+$)/, 'zotregistry.') };
}
