import { beforeAll, describe, expect, it } from '@jest/globals';
import Fastify from 'fastify';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { markVerification } from '../../src/ledger/index.ts';
import { ERROR } from '../../src/processes/starter/api/answers.ts';
import { apiRoutes } from '../../src/processes/starter/api/index.ts';
import { OPERATIONS, type Operation } from '../../src/processes/starter/api/operations.ts';
import { digest, policyOf, synced } from '../ledger/support.ts';
import { TOKEN, useStarter } from './support.ts';

const FILE = fileURLToPath(new URL('../../docs/api/openapi.json', import.meta.url));

/*
 * The document, the routes and the answers are held together here: docs/api/openapi.json is what GET /openapi.json answers (WRITE_OPENAPI=1 writes it
 * anew), every route is in it, and what a real starter answers is what it says.
 */
const world = useStarter(['eu', 'us']);
const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };

beforeAll(async () => {
  const failure = { code: 'DENIED', message: 'no', retry: 'never' } as const;
  const bad = { tag: 'bad', digest: digest(3), sync: 'failed', verification: 'pending', look: 100, failure } as const;
  await markVerification(world.ledger, { policy: policyOf('eu'), repository: 'team/app', outcomes: [synced('v1', 1, 100), bad] }, 101);
});

describe('the OpenAPI document', () => {
  it('is the one in docs/api', async () => {
    const served: unknown = await (await fetch(`${world.url}/api/v1/openapi.json`)).json();
    if (process.env['WRITE_OPENAPI'] === '1') await writeFile(FILE, `${JSON.stringify(served, null, 2)}\n`);
    expect(JSON.parse(await readFile(FILE, 'utf8'))).toEqual(served);
  });

  it('has every route of the API, and no other', async () => {
    const routes = new Set<string>();
    const server = Fastify();
    server.addHook('onRoute', ({ method, url }) => {
      if (method !== 'HEAD')
        routes.add(`${String(method).toLowerCase()} ${url.replace('/images/*', '/images/{image}').replace(/:(\w+)/g, '{$1}')}`);
    });
    await server.register(apiRoutes({ ledger: world.ledger, sites: [], logger: pino({ level: 'silent' }) }));
    await server.close();
    const apart = ['get /events', 'get /openapi.json'];
    expect([...routes].filter((route) => !apart.includes(route)).toSorted()).toEqual(
      OPERATIONS.map(({ method, path }) => `${method} ${path}`).toSorted(),
    );
  });
});

/** What is asked of each operation, and with which status it is answered; a body where one is needed. */
const ASKED: Record<string, [status: number, body?: object]> = {
  'get /sites': [200],
  'get /sites/{site}': [200],
  'get /sites/{site}/samples': [200],
  'get /sites/{site}/images': [200],
  'get /sites/{site}/images/{image}': [200],
  'get /sites/{site}/deletions': [200],
  'get /sites/{site}/moves': [200],
  'get /sites/{site}/waivers': [200],
  'get /audit': [200],
  'get /info': [200],
  'get /setup': [200],
  'get /sites/{site}/limits': [200],
  'post /sites/{site}/pause': [202],
  'post /sites/{site}/resume': [202],
  'post /sites/{site}/limits/reset': [409],
  'post /sites/{site}/limits': [202, { bytesPerSecond: 1_048_576 }],
  'post /sites/{site}/waive': [200, { references: ['team/app:bad'], reason: 'why' }],
  'post /sites/{site}/unwaive': [200, { references: ['team/app:bad'] }],
  'post /sites/{site}/backfill/pause': [409],
  'post /sites/{site}/backfill/resume': [409],
  'post /sites/{site}/backfill/cancel': [409],
  'post /sites/{site}/backfill/start': [202, {}],
  'get /sites/{site}/backfill': [200],
  'post /sites/{site}/verify': [202, { sample: 0.5 }],
  'get /sites/{site}/verify': [200],
  'post /sites/{site}/retry': [202, { failed: true }],
  'post /sites/{site}/cancel': [202, { references: ['team/app:bad'] }],
  'post /sites/{site}/undo': [404, { references: ['team/app:v1'] }],
  'post /sites/{site}/deletions/approve': [200, { all: true }],
  'post /sites/{site}/deletions/reject': [200, { all: true }],
  'post /sites/{site}/moves/approve': [200, { all: true }],
  'post /sites/{site}/moves/reject': [200, { all: true }],
  'post /sites/{site}/primary/approve': [404],
  'post /sites/{site}/primary/reject': [404],
};

describe('what is answered is what the document says', () => {
  const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;

  it('of every operation', () => {
    expect(Object.keys(ASKED).toSorted()).toEqual(OPERATIONS.map(nameOf).toSorted());
  });

  // In this order: what is started is there to be asked for.
  it.each(Object.entries(ASKED))('%s', async (name, [status, body]) => {
    const operation = OPERATIONS.find((one) => nameOf(one) === name)!;
    const path = operation.path.replace('{site}', 'eu').replace('{image}', 'team%2Fapp:v1');
    const sent = operation.method === 'post' ? { method: 'POST', body: JSON.stringify(body ?? {}) } : {};
    const answer = await fetch(`${world.url}/api/v1${path}`, { headers, ...sent });
    const answered: unknown = await answer.json();
    expect([answer.status, answered]).toEqual([status, answered]);
    (operation.answers[status] ?? ERROR).parse(answered);
  });

  it('an answer that differs is found out', async () => {
    const { answers } = OPERATIONS.find((one) => nameOf(one) === 'get /info')!;
    const info = (await (await fetch(`${world.url}/api/v1/info`)).json()) as object;
    expect(answers[200]?.safeParse({ ...info, more: 1 }).success).toBe(false);
    expect(answers[200]?.safeParse({ ...info, version: 1 }).success).toBe(false);
  });

  it.each([
    ['/sites/mars', 404],
    ['/sites/eu/images?limit=0', 400],
    ['/sites/eu/images/nothing', 400],
    ['/nothing', 404],
  ])('a refusal too: %s', async (path, status) => {
    const answer = await fetch(`${world.url}/api/v1${path}`, { headers });
    expect(answer.status).toBe(status);
    ERROR.parse(await answer.json());
  });
});
