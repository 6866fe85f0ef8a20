import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createApi } from '../../src/processes/starter/main.ts';
import { registerSites } from '../../src/ledger/index.ts';
import { policyOf, useLedger } from '../ledger/support.ts';
import { fuzz } from './fuzz.ts';
import { hostileText, nearJson } from './hostile.ts';

/*
 * The whole API over a real ledger, without Temporal: what would start something says 503, unless it was refused before.
 */
describe('the API', () => {
  const postgres = useLedger();
  let server: FastifyInstance;

  beforeAll(async () => {
    await registerSites(postgres.ledger, [{ name: 'eu', fingerprint: 'f' }], { reset: false });
    server = await createApi({
      ledger: postgres.ledger,
      sites: [{ name: 'eu', policy: policyOf('eu') }],
      logger: pino({ level: 'silent' }),
    });
  });
  afterAll(() => server?.close());

  const part = hostileText.filter((text) => !/\p{Cs}/u.test(text)).map(encodeURIComponent);
  const site = fc.oneof({ weight: 6, arbitrary: fc.constant('eu') }, { weight: 1, arbitrary: part });
  const keys = fc.constantFrom('state', 'repository', 'cursor', 'limit', 'cursor', 'x');
  const values = fc.oneof(
    fc.constantFrom('failed', 'held', 'a/b', '10', '0', '-1', '1e9', Buffer.from('["a\\u0000","b"]').toString('base64url')),
    fc.array(hostileText, { minLength: 1, maxLength: 3 }).map((key) => Buffer.from(JSON.stringify(key)).toString('base64url')),
    part,
  );
  const query = fc.array(fc.tuple(keys, values), { maxLength: 4 }).map((all) => all.map((pair) => pair.join('=')).join('&'));
  const read = fc.record({
    site,
    query,
    what: fc.oneof(
      fc.constantFrom('', '/images', '/deletions', '/backfill', '/verify'),
      part.map((name) => `/images/${name}`),
    ),
  });

  fuzz('reads what it is asked for, or refuses', 6_000, read, async ({ site: name, query: asked, what }) => {
    const { statusCode } = await server.inject({ method: 'GET', url: `/api/v1/sites/${name}${what}?${asked}` });
    expect([200, 400, 404, 414, 503]).toContain(statusCode);
  });

  const bodies = nearJson([
    { references: ['team/app:v1', 'team/app'] },
    { failed: true },
    { ids: ['1', '2'] },
    { all: true },
    { verify: 'deep', once: true },
    { depth: 'deep', sample: 0.5 },
  ]);
  const actions = ['retry', 'cancel', 'verify', 'backfill/start', 'backfill/pause', 'deletions/approve', 'deletions/reject'];
  const act = fc.record({
    site,
    body: bodies,
    what: fc.constantFrom(...actions),
    type: fc.constantFrom('application/json', 'text/plain', 'application/json; x'),
  });

  fuzz('does what it is told, or refuses', 6_000, act, async ({ site: name, body, what, type }) => {
    const { statusCode } = await server.inject({
      method: 'POST',
      url: `/api/v1/sites/${name}/${what}`,
      headers: { 'content-type': type },
      payload: Buffer.from(body),
    });
    expect([200, 202, 400, 404, 409, 413, 414, 415, 503]).toContain(statusCode);
  });
});
