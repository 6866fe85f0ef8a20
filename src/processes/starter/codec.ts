import type { Payload, PayloadCodec } from '@temporalio/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireRead, type Access } from './access.ts';
import { checked } from './api/schemas.ts';

/** What the codec endpoint needs. */
export interface CodecParts {
  readonly codec: PayloadCodec;
  /** Origins of Web UIs whose pages may ask from a browser. */
  readonly webUis: readonly string[];
  readonly access: Access;
}

const BASE64 = z.string().regex(/^[\w+/-]*={0,2}$/, 'must be base64');
/** An empty list is not written at all. */
const PAYLOADS = z.looseObject({
  payloads: z
    .array(z.looseObject({ metadata: z.record(z.string(), BASE64).optional(), data: BASE64.optional() }))
    .max(10_000)
    .default([]),
});
const BODY_LIMIT = 16 * 1024 * 1024;

/**
 * `/codec/{encode,decode}`: lets `temporal` (`--codec-endpoint`) and Temporal's Web UI show encrypted payloads to whoever may read here.
 * @see https://docs.temporal.io/production-deployment/data-encryption
 */
export function codecRoutes({ codec, webUis, access }: CodecParts) {
  return async (server: FastifyInstance): Promise<void> => {
    for (const direction of ['encode', 'decode'] as const) {
      server.options(`/codec/${direction}`, (request, reply) => {
        void permit(request, reply, webUis).code(204).send();
      });
      server.post(`/codec/${direction}`, { bodyLimit: BODY_LIMIT }, async (request, reply) => {
        void permit(request, reply, webUis);
        requireRead(access, request);
        const { payloads } = checked(PAYLOADS, request.body);
        return { payloads: (await codec[direction](payloads.map(fromJson))).map(toJson) };
      });
    }
  };
}

/** A page of another origin gets the answer only if it is a Web UI of ours. */
function permit(request: FastifyRequest, reply: FastifyReply, webUis: readonly string[]): FastifyReply {
  const { origin } = request.headers;
  if (origin === undefined || !webUis.includes(origin)) return reply;
  return reply
    .header('access-control-allow-origin', origin)
    .header('access-control-allow-credentials', 'true')
    .header('access-control-allow-methods', 'POST')
    .header('access-control-allow-headers', 'authorization, content-type, x-namespace')
    .header('vary', 'origin');
}

function fromJson({ metadata, data }: z.output<typeof PAYLOADS>['payloads'][number]): Payload {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64');
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, bytes(value)])),
    ...(data === undefined ? {} : { data: bytes(data) }),
  };
}

function toJson({ metadata, data }: Payload): object {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)])),
    ...(data ? { data: text(data) } : {}),
  };
}
