import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
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

/** By the code of the parser's error. */
const BROKEN: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** An HTTP server without routes, whose every error has the shape `{error: {code, message, path?}}`. */
export function createServer(logger: Logger): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    clientErrorHandler: answerBroken,
    // A reference (repository:tag) is one path parameter; 255 + 128 characters and their escapes must fit.
    routerOptions: { maxParamLength: 1_600 },
  });
  server.setErrorHandler((error, request, reply) => answerError(error as FastifyError, request, reply, logger));
  server.setNotFoundHandler((request) => {
    throw new RequestError(404, 'NOT_FOUND', `there is no ${request.method} at this path`);
  });
  server.addHook('onSend', async (_request, reply) => {
    void reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
    // What changes its address with its content says otherwise.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  return server;
}

/** What the parser of HTTP refuses never becomes a request; its answer has the shape of all others. */
function answerBroken(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = BROKEN[error.code ?? ''] ?? 400;
  const body = JSON.stringify({ error: { code: 'INVALID', message: STATUS_CODES[status] } });
  const headers = [`content-length: ${Buffer.byteLength(body)}`, 'content-type: application/json; charset=utf-8', 'connection: close'];
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers, '', body].join('\r\n'));
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
  if (error instanceof WorkflowNotFoundError) return { status: 409, code: 'CONFLICT', message: 'what was asked of has just ended' };
  if (error instanceof ServiceError || isGrpcServiceError(error))
    return { status: 503, code: 'UNREACHABLE', message: 'Temporal does not answer as it should: try again' };
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return { status, code: CODE_OF_STATUS[status] ?? 'INVALID', message: error.message };
  return { status: 500, code: 'INTERNAL', message: 'an error of our own; the log has it' };
}
