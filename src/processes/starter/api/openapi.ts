import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { version } from '../../version.ts';
import { ERROR } from './answers.ts';
import { OPERATIONS, type Operation } from './operations.ts';

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request is not as it must be; `path` names the field',
  401: 'The token lacks',
  404: 'There is no such site, or no such thing at it',
  409: 'It cannot be done as things are',
  413: 'The body is too large',
  415: 'The body is no JSON',
  431: 'The address or the headers are too long',
  503: 'Temporal or the ledger does not answer',
};
/** What each may be refused with: reading needs no token on this machine. */
const ALWAYS = { get: [401, 404, 431, 503], post: [400, 401, 404, 413, 415, 431, 503] } as const;

const PARAMETERS = {
  site: { description: "The site's name", schema: { type: 'string', minLength: 1, maxLength: 40 }, example: 'eu' },
  image: { description: '`repository:tag`, its slashes escaped', schema: { type: 'string', minLength: 1 }, example: 'team%2Fapp:v1' },
} as const;

/** The OpenAPI document of the API, made of the schemas that requests are checked with. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) (paths[operation.path] ??= {})[operation.method] = describe(operation);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Twinport',
      version: version(),
      description: 'Keeps container registries equal. Reading is open on loopback, elsewhere and for every action the token is asked for.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }],
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: { Error: schemaOf(ERROR, 'output') } },
  };
}

/** `GET /openapi.json` */
export function openApiRoutes(server: FastifyInstance): void {
  const document = openApi();
  server.get('/openapi.json', async () => document);
}

function describe({ method, path, summary, query, body, answers, refusals = [] }: Operation): object {
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true },
    ...PARAMETERS[name as keyof typeof PARAMETERS],
  }));
  const responses = [
    ...Object.entries(answers).map(([status, schema]) => [status, answer('Done', schemaOf(schema, 'output'))]),
    ...[...new Set([...ALWAYS[method], ...refusals])]
      .toSorted()
      .map((status) => [status, answer(REFUSALS[status] ?? '', { $ref: '#/components/schemas/Error' })]),
  ];
  return {
    operationId: `${method} ${path}`.replaceAll(/[^a-z]+/gi, '_').replace(/_$/, ''),
    summary,
    // On loopback reading is open.
    ...(method === 'get' ? { security: [{ token: [] }, {}] } : {}),
    ...(named.length + (query ? 1 : 0) === 0 ? {} : { parameters: [...named, ...(query ? queryOf(query) : [])] }),
    ...(body ? { requestBody: { required: !body.safeParse({}).success, content: json(schemaOf(body, 'input')) } } : {}),
    responses: Object.fromEntries(responses) as object,
  };
}

const json = (schema: object) => ({ 'application/json': { schema } });
const answer = (description: string, schema: object) => ({ description, content: json(schema) });

function queryOf(query: z.ZodObject): object[] {
  const { properties = {} } = schemaOf(query, 'input') as { properties?: Record<string, object> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

/** What a check beyond the shape wants is said in words by the answer that refuses. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...written } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return written;
}
