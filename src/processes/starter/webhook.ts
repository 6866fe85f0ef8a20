// 2. An event arrives: it is durable before it is answered.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { eventSource } from '../../events/index.ts';
import { isTwinportError } from '../../model/failure.ts';
import type { Dispatcher } from './dispatch.ts';
import type { EventRecorder } from './event-recorder.ts';
import { RequestError } from './request-error.ts';
import { authorizationSecret, sameSecret } from './secret.ts';
import { countAnswer, countChanges, countIgnored, countOutOfScope } from './webhook-metrics.ts';

const BODY_LIMIT = 4 * 1024 * 1024;
/** Where GitLab's own Geo expects events, so that a registry configured for Geo changes only the host. */
const GITLAB_PATH = '/api/v4/container_registry_event/events';

/** The parts of the webhook. */
export interface WebhookParts {
  readonly dispatcher: Dispatcher;
  readonly recorder: EventRecorder;
  readonly secret: string;
  /** By source, where one differs. */
  readonly secrets: Readonly<Record<string, unknown>>;
}

/** The routes that registries send their events to. */
export function webhookRoutes(parts: WebhookParts) {
  return async (server: FastifyInstance): Promise<void> => {
    // What the sender calls its content does not matter, a refused event would come again for ever.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.addHook('onResponse', async (_request, reply) => countAnswer(reply.statusCode, reply.elapsedTime));
    const route = (url: string, sourceOf: (request: FastifyRequest) => string): void => {
      server.route({
        method: 'POST',
        url,
        bodyLimit: BODY_LIMIT,
        // Before the body is read: a stranger gets no 4 MiB of our memory.
        onRequest: async (request) => requireSecret(parts, sourceOf(request), request),
        handler: (request, reply) => receive(parts, sourceOf(request), request, reply),
      });
    };
    route(GITLAB_PATH, () => 'gitlab');
    route('/events/:source', (request) => (request.params as { source: string }).source);
  };
}

function requireSecret(parts: WebhookParts, source: string, request: FastifyRequest): void {
  if (!eventSource(source))
    throw new RequestError(404, 'NOT_FOUND', 'there is no such source of events; see the documentation of webhook.secrets');
  const own = Object.hasOwn(parts.secrets, source) ? parts.secrets[source] : undefined;
  const wanted = typeof own === 'string' ? own : parts.secret;
  const header = request.headers.authorization;
  if (sameSecret(header, wanted) || sameSecret(authorizationSecret(header), wanted)) return;
  throw new RequestError(401, 'UNAUTHORIZED', 'the Authorization header must be the webhook secret', {
    headers: { 'www-authenticate': 'Bearer' },
  });
}

async function receive(parts: WebhookParts, name: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const receivedAt = Date.now();
  const { changes, ignored } = parseBody(name, request.body);
  countIgnored(name, ignored);
  countChanges(name, changes);
  const received = changes.map((change) => ({ change, receivedAt }));
  parts.recorder.record(received);
  const accepted = await parts.dispatcher.accept(received);
  countOutOfScope(name, accepted.outOfScope);
  return reply.code(202).send({ accepted: changes.length, ignored, ...accepted });
}

function parseBody(name: string, body: unknown): ReturnType<NonNullable<ReturnType<typeof eventSource>>['parse']> {
  try {
    return eventSource(name)?.parse(body instanceof Uint8Array ? body : new Uint8Array()) ?? { changes: [], ignored: {} };
  } catch (error) {
    if (!isTwinportError(error) || error.code !== 'INVALID') throw error;
    const path = /^(events)\b/.exec(error.message)?.[1];
    throw new RequestError(400, 'INVALID', error.message, path === undefined ? {} : { path });
  }
}
