import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { failureOf, isTwinportError, type FailureCode } from '../../model/failure.ts';
import { redact } from '../../telemetry/index.ts';
import { RequestError, statusOf } from './request-error.ts';

const REQUEST_MS = 15_000;
const CODE_OF_STATUS: Readonly<Record<number, FailureCode>> = {
  404: 'NOT_FOUND',
  405: 'UNSUPPORTED',
  413: 'TOO_LARGE',
  429: 'RATE_LIMITED',
};

/** An HTTP server without routes, whose every error has the shape `{error: {code, message, path?}}`. */
export function createServer(logger: Logger): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    // A reference (repository:tag) is one path parameter; 255 + 128 characters and their escapes must fit.
    routerOptions: { maxParamLength: 1_600 },
  });
  server.setErrorHandler((error, request, reply) => answerError(error as FastifyError, request, reply, logger));
  server.setNotFoundHandler((request) => {
    throw new RequestError(404, 'NOT_FOUND', `there is no ${request.method} at this path`);
  });
  server.addHook('onSend', async (_request, reply) => {
    void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
  });
  return server;
}

function answerError(error: FastifyError | RequestError, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const { status, code, message, path } = describe(error);
  // Fastify's own 5xx and ours alike; the route's pattern and not the URL, which may hold a secret.
  if (status >= 500)
    logger.error({ method: request.method, route: request.routeOptions.url, failure: failureOf(error) }, 'a request failed');
  if (error instanceof RequestError) void reply.headers(error.headers);
  return reply.code(status).send({ error: { code, message: redact(message), ...(path === undefined ? {} : { path }) } });
}

function describe(error: FastifyError | RequestError): { status: number; code: FailureCode; message: string; path?: string | undefined } {
  if (error instanceof RequestError) return error;
  if (isTwinportError(error)) return { status: statusOf(error.code), code: error.code, message: error.message };
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return { status, code: CODE_OF_STATUS[status] ?? 'INVALID', message: error.message };
  return { status: 500, code: 'INTERNAL', message: 'an error of our own; the log has it' };
}
