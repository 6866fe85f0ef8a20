import { readCloudEvents } from '../cloud-event.ts';
import { ACR_TYPES, HARBOR_TYPES, OWN_TYPES, readByType, ZOT_TYPES } from '../cloud-event-types.ts';
import type { EventSource } from '../event-source.ts';
import { collect } from '../reading.ts';

const SOURCE = 'cloudevents';
const TYPES = { ...HARBOR_TYPES, ...ACR_TYPES, ...ZOT_TYPES, ...OWN_TYPES };

/**
 * CloudEvents 1.0 over HTTP, structured, in batches or binary: the types that registries send, and our own for bridges.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export const cloudevents: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'authorization' }, { by: 'path' }],
  asksFirst: true,
  parse: (message) => collect(readCloudEvents(message).flatMap((event) => readByType(SOURCE, TYPES, event))),
};
