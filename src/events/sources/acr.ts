import { z } from 'zod';
import { ACR_TYPES, readByType } from '../cloud-event-types.ts';
import type { EventSource, Received } from '../event-source.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { optionalText } from '../optional-text.ts';
import { collect, type Reading } from '../reading.ts';
import { readAcrEvent } from '../shapes/acr-event.ts';

const SOURCE = 'acr';
const RIGHT = 'ACR sends {"action", "target": {"repository", …}}, Event Grid a list of {"eventType" or "type", "data"}';
const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';

const WEBHOOK = z.looseObject({ action: z.string() });
const WITH_TARGET = z.looseObject({ target: z.looseObject({ repository: z.string().min(1) }) });
/** `eventType` in Event Grid's own schema, `type` in CloudEvents'. */
const GRID_EVENT = z.looseObject({ id: optionalText, eventType: optionalText, type: optionalText });
const GRID_VALIDATION = z.looseObject({ data: z.looseObject({ validationCode: z.string().min(1) }) });

/**
 * What ACR sends by its own webhooks, and by Event Grid in either schema.
 * @see https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
 * @see https://learn.microsoft.com/azure/event-grid/event-schema-container-registry
 */
export const acr: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'authorization' }, { by: 'path' }],
  asksFirst: true,
  parse({ body }) {
    const json = readJson(body, RIGHT);
    if (Array.isArray(json)) return parseGrid(json);
    return isGridEvent(json) ? parseGrid([json]) : parseWebhook(json);
  },
};

function parseWebhook(body: unknown): Received {
  const { action } = checkShape(WEBHOOK, body, RIGHT);
  if (action === 'push' || action === 'delete') checkShape(WITH_TARGET, body, RIGHT);
  return collect([readAcrEvent(SOURCE, body)]);
}

function parseGrid(events: readonly unknown[]): Received {
  const validation = events.findIndex((event) => typeOf(event) === VALIDATION);
  if (validation < 0) return collect(events.flatMap(readGridEvent));
  const { data } = checkShape(GRID_VALIDATION, events[validation], RIGHT, `[${validation}]`);
  return { changes: [], ignored: { ping: 1 }, answer: { validationResponse: data.validationCode } };
}

function readGridEvent(event: unknown): readonly Reading[] {
  const type = typeOf(event);
  const read = GRID_EVENT.safeParse(event);
  if (type === undefined || !read.success) return ['malformed'];
  return readByType(SOURCE, ACR_TYPES, { id: read.data.id ?? '', type, data: read.data['data'] });
}

const isGridEvent = (body: unknown): boolean => typeOf(body) !== undefined;

function typeOf(event: unknown): string | undefined {
  const { eventType, type } = GRID_EVENT.safeParse(event).data ?? {};
  return eventType ?? type;
}
