import type { ParsedEvents } from '../model/change.ts';
import { parseEnvelope, readChange } from './notification.ts';

/**
 * Reads what CNCF Distribution sends: 2.8 as `events.v1+json`, v3 as `events.v2+json`.
 * @throws {TwinportError} INVALID
 * @see https://distribution.github.io/distribution/about/notifications/
 */
export function parseDistribution(body: Uint8Array): ParsedEvents {
  return parseEnvelope(body, (event) => readChange('distribution', event));
}
