import { readCloudEvents } from '../cloud-event.ts';
import { readByType, ZOT_TYPES } from '../cloud-event-types.ts';
import type { EventSource } from '../event-source.ts';
import { collect } from '../reading.ts';

/**
 * What zot's extension `events` sends: CloudEvents, binary by default.
 * @see https://github.com/project-zot/zot/blob/v2.1.2/pkg/extensions/events/events.go
 */
export const zot: EventSource = {
  name: 'zot',
  proofs: [{ by: 'authorization' }],
  parse: (message) => collect(readCloudEvents(message).flatMap((event) => readByType('zot', ZOT_TYPES, event))),
};
