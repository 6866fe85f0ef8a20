import { z } from 'zod';
import type { EventMessage } from './event-source.ts';
import { checkShape, readJson } from './invalid-envelope.ts';
import { optionalText } from './optional-text.ts';

const RIGHT = 'a CloudEvent of version 1.0 has specversion, id, source and type';
const ATTRIBUTES = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: optionalText,
});
const HEADERS = z.looseObject({
  'ce-specversion': z.literal('1.0'),
  'ce-id': z.string().min(1),
  'ce-source': z.string().min(1),
  'ce-type': z.string().min(1),
});

/** One event, however it was sent; its data is not yet checked. */
export interface CloudEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/**
 * Reads a message of CloudEvents' HTTP binding: structured, a batch, or binary (attributes in headers, the body is the data). Senders
 * are not strict about the content type, so the shape decides; in a batch, what is no event is `undefined`.
 * @throws {InvalidEnvelope} INVALID with the path of the field, or the name of the header
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3-http-message-mapping
 */
export function readCloudEvents(message: EventMessage): (CloudEvent | undefined)[] {
  const { headers } = message;
  const body = readJson(message.body, RIGHT);
  if (Array.isArray(body)) return body.map((event) => fromAttributes(ATTRIBUTES.safeParse(event).data));
  if (isStructured(body, headers)) return [fromAttributes(checkShape(ATTRIBUTES, body, RIGHT))];
  const attributes = checkShape(HEADERS, headers, RIGHT);
  return [{ id: decoded(attributes['ce-id']), type: decoded(attributes['ce-type']), data: body }];
}

function isStructured(body: unknown, headers: EventMessage['headers']): boolean {
  if (/^application\/cloudevents\b/i.test(headers['content-type'] ?? '')) return true;
  return headers['ce-type'] === undefined && typeof body === 'object' && body !== null && 'specversion' in body;
}

function fromAttributes(event: z.infer<typeof ATTRIBUTES> | undefined): CloudEvent | undefined {
  return event && { id: event.id, type: event.type, data: event['data'] };
}

/** Header values are percent-encoded where a header could not hold them. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
