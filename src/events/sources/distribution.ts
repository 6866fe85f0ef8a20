import type { EventSource } from '../event-source.ts';
import { parseEnvelope, readChange } from '../notification.ts';

/**
 * What CNCF Distribution sends: 2.8 as `events.v1+json`, v3 as `events.v2+json`.
 * @see https://distribution.github.io/distribution/about/notifications/
 */
export const distribution: EventSource = {
  name: 'distribution',
  proofs: [{ by: 'authorization' }],
  parse: ({ body }) => parseEnvelope(body, (event) => readChange('distribution', event)),
};
