import { z } from 'zod';
import type { ParsedEvents } from '../../model/change.ts';
import { readCloudEvents } from '../cloud-event.ts';
import { HARBOR_TYPES, readByType } from '../cloud-event-types.ts';
import type { EventSource } from '../event-source.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { collect } from '../reading.ts';
import { HARBOR_ARTIFACTS, readHarborArtifacts } from '../shapes/harbor-artifacts.ts';

const SOURCE = 'harbor';
const RIGHT = 'Harbor sends {"type", "event_data": {"resources": […], "repository": {"repo_full_name"}}}, or CloudEvents';
const TYPED = z.looseObject({ type: z.string(), specversion: z.string().optional() });
const TOLD = z.looseObject({ event_data: HARBOR_ARTIFACTS });
const ACTIONS: Readonly<Record<string, 'push' | 'delete' | undefined>> = { PUSH_ARTIFACT: 'push', DELETE_ARTIFACT: 'delete' };

/**
 * What a webhook of a Harbor project sends, in either payload format.
 * @see https://goharbor.io/docs/2.12.0/working-with-projects/project-configuration/configure-webhooks/
 */
export const harbor: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'authorization' }],
  parse(message) {
    if (message.headers['ce-type'] !== undefined) return parseCloudEvents(message);
    const body = readJson(message.body, RIGHT);
    const { type, specversion } = checkShape(TYPED, body, RIGHT);
    return specversion === undefined ? parseDefault(type, body) : parseCloudEvents(message);
  },
};

function parseCloudEvents(message: Parameters<EventSource['parse']>[0]): ParsedEvents {
  return collect(readCloudEvents(message).flatMap((event) => readByType(SOURCE, HARBOR_TYPES, event)));
}

/** Only what is about artifacts has to have their shape: quotas, scans and replications have others. */
function parseDefault(type: string, body: unknown): ParsedEvents {
  const action = ACTIONS[type];
  if (action === undefined) return collect([type === 'PULL_ARTIFACT' ? 'pull' : 'other event']);
  return collect(readHarborArtifacts(SOURCE, action, '', checkShape(TOLD, body, RIGHT).event_data));
}
