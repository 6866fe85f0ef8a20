// 2. An event arrives: it is durable before it is answered.
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebhookConfig } from '../../config/index.ts';
import { eventSource, type EventMessage, type EventSource, type Received } from '../../events/index.ts';
import { aboutOf } from '../../model/about.ts';
import { isTwinportError } from '../../model/failure.ts';
import { readCarrier } from '../../model/trace.ts';
import { attributesOf, type OpenSpan, type Tracer } from '../../telemetry/index.ts';
import { createAuthenticity, headersOf, type Authenticity } from './authenticity.ts';
import { createBodyBudget } from './body-budget.ts';
import type { Dispatcher } from './dispatch.ts';
import type { EventRecorder } from './event-recorder.ts';
import { RequestError } from './request-error.ts';
import { countAnswer, countChanges, countIgnored, countOutOfScope } from './webhook-metrics.ts';

const BODY_LIMIT = 4 * 1024 * 1024;
/** Of all bodies together whose sender has not proved itself before the body. */
const UNPROVED_BYTES = 32 * 1024 * 1024;
/** Where GitLab's own Geo expects events, so that a registry configured for Geo changes only the host. */
const GITLAB_PATH = '/api/v4/container_registry_event/events';

/** The parts of the webhook. */
export interface WebhookParts {
  readonly dispatcher: Dispatcher;
  readonly recorder: EventRecorder;
  /** Asked of every source that has none of its own. */
  readonly secret: string;
  readonly config: Pick<WebhookConfig, 'secrets' | 'tokens' | 'naming'>;
  readonly tracer?: Tracer | undefined;
}

/** The routes that registries send their events to. */
export function webhookRoutes(parts: WebhookParts) {
  const authenticity = createAuthenticity(parts.config, parts.secret);
  const unproved = createBodyBudget(UNPROVED_BYTES);
  const signed = new WeakSet<FastifyRequest>();
  /** What senders call their content, where they call it something. */
  const types = new WeakMap<FastifyRequest, string | undefined>();
  return async (server: FastifyInstance): Promise<void> => {
    // What the sender calls its content does not matter, a refused event would come again for ever.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.addHook('onResponse', async (_request, reply) => countAnswer(reply.statusCode, reply.elapsedTime));
    const route = (url: string): void => {
      server.route({
        method: 'POST',
        url,
        bodyLimit: BODY_LIMIT,
        // Before the body is read: a stranger gets no 4 MiB of our memory.
        onRequest: async (request) => {
          types.set(request, request.headers['content-type']);
          // The server would refuse a type that is none before it asks our parser.
          request.headers['content-type'] = 'application/octet-stream';
          if ((await authenticity.beforeBody(sourceOf(request), request, secretInPath(request))) === 'signed') signed.add(request);
        },
        preParsing: async (request, _reply, body) => (signed.has(request) ? unproved(body as Readable) : body),
        handler: (request, reply) => {
          const source = sourceOf(request);
          const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
          if (signed.has(request)) authenticity.afterBody(source, request, body);
          const message = { body, headers: { ...headersOf(request), 'content-type': types.get(request) } };
          return traced(parts.tracer, source, request, reply, (span) => receive(parts, source, message, reply, span));
        },
      });
      server.route({ method: 'OPTIONS', url, handler: (request, reply) => permit(authenticity, request, reply) });
    };
    route(GITLAB_PATH);
    route('/events/:source');
    route('/events/:source/:secret');
  };
}

/** @throws {RequestError} 404 NOT_FOUND */
function sourceOf(request: FastifyRequest): EventSource {
  const source = eventSource(paramsOf(request).source ?? 'gitlab');
  if (!source) throw new RequestError(404, 'NOT_FOUND', 'there is no such source of events; see docs/events.md');
  if (secretInPath(request) !== undefined && !source.proofs.some(({ by }) => by === 'path'))
    throw new RequestError(404, 'NOT_FOUND', `${source.name} sends its secret in a header, not in the path`);
  return source;
}

function secretInPath(request: FastifyRequest): string | undefined {
  return paramsOf(request).secret;
}

const paramsOf = (request: FastifyRequest) => request.params as { source?: string; secret?: string };

/**
 * Answers a sender that asks before it sends.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
 */
async function permit(authenticity: Authenticity, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const source = sourceOf(request);
  if (source.asksFirst !== true) throw new RequestError(404, 'NOT_FOUND', `${source.name} sends without asking: use POST`);
  await authenticity.beforeBody(source, request, secretInPath(request));
  const origin = request.headers['webhook-request-origin'];
  if (typeof origin !== 'string')
    throw new RequestError(400, 'INVALID', 'the WebHook-Request-Origin header says who asks; it is missing', {
      path: 'webhook-request-origin',
    });
  return reply.code(200).headers({ allow: 'POST', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' }).send();
}

/** Of the request as it came: a sender that traces has its trace go on. The route's pattern and not the URL, which may hold a secret. */
function traced(
  tracer: Tracer | undefined,
  { name }: EventSource,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (span?: OpenSpan) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  if (!tracer) return work();
  const { method, routeOptions, headers } = request;
  const attributes = { 'http.request.method': method, 'http.route': routeOptions.url ?? '', 'twinport.source': name };
  const startedAt = Date.now() - reply.elapsedTime;
  return tracer.span({ name: `webhook ${name}`, kind: 'server', attributes, parent: readCarrier(headers), startedAt }, work);
}

async function receive(
  parts: WebhookParts,
  source: EventSource,
  message: EventMessage,
  reply: FastifyReply,
  span?: OpenSpan,
): Promise<FastifyReply> {
  const receivedAt = Date.now();
  const { changes, ignored, answer } = parse(parts, source, message);
  const { name } = source;
  countIgnored(name, ignored);
  countChanges(name, changes);
  const received = changes.map((change) => ({ change, receivedAt }));
  span?.add({ 'twinport.changes': changes.length, ...attributesOf(changes.length === 1 ? aboutOf(changes[0]) : {}) });
  parts.recorder.record(received);
  const accepted = await parts.dispatcher.accept(received);
  countOutOfScope(name, accepted.outOfScope);
  if (answer) return reply.code(200).send(answer);
  return reply.code(202).send({ accepted: changes.length, ignored, ...accepted });
}

function parse({ config }: WebhookParts, source: EventSource, message: EventMessage): Received {
  const naming = config.naming?.[source.name] ?? source.naming;
  try {
    return source.parse({ ...message, ...(naming === undefined ? {} : { naming }) });
  } catch (error) {
    if (!isTwinportError(error) || error.code !== 'INVALID') throw error;
    const path = 'path' in error && typeof error.path === 'string' ? { path: error.path } : {};
    throw new RequestError(400, 'INVALID', error.message, path);
  }
}
