import { afterAll, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { eventSources } from '../../src/events/index.ts';
import { putInbox, recordEvents } from '../../src/ledger/index.ts';
import type { Change } from '../../src/model/change.ts';
import { isDigest } from '../../src/model/digest.ts';
import { failureOf, isTwinportError } from '../../src/model/failure.ts';
import { isRepositoryName, isTagName } from '../../src/model/reference.ts';
import type { ReceivedChange } from '../../src/processes/starter/deliveries.ts';
import { createServer } from '../../src/processes/starter/server.ts';
import { webhookRoutes } from '../../src/processes/starter/webhook.ts';
import { fixturesOf, messageOf, readFixture } from '../events/fixtures.ts';
import { useLedger } from '../ledger/support.ts';
import { fuzz } from './fuzz.ts';
import { hostileText, hostileValue, nearJson } from './hostile.ts';

const SECRET = 'tTheWebhookSecret1';
const names = Object.keys(eventSources);

/** Only what `/v2/` allows goes on, whatever the sender wrote. */
function expectUsable(changes: readonly Change[]): void {
  for (const { repository, tag, digest, action } of changes) {
    expect([repository, isRepositoryName(repository)]).toEqual([repository, true]);
    if (tag !== undefined) expect([tag, isTagName(tag)]).toEqual([tag, true]);
    if (digest !== undefined) expect([digest, isDigest(digest)]).toEqual([digest, true]);
    expect(['push', 'delete']).toContain(action);
  }
}

describe.each(names)('messages of %s', (name) => {
  const source = eventSources[name]!;
  const samples = fixturesOf(name).map((file) => readFixture(name, file));
  const headers = fc.oneof(
    fc.constantFrom(...samples.map((sample) => messageOf(sample).headers)),
    fc.dictionary(
      fc.constantFrom('content-type', 'ce-id', 'ce-type', 'ce-source', 'ce-specversion', 'x-github-event', 'aeg-event-type'),
      hostileText,
    ),
  );
  const body = fc.oneof(
    { weight: 12, arbitrary: nearJson(samples.map((sample) => sample.body)) },
    { weight: 1, arbitrary: hostileValue.map((value) => new TextEncoder().encode(JSON.stringify(value))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );

  fuzz('are changes with proper names, or refused', 3_200, fc.record({ body, headers }), (message) => {
    try {
      expectUsable(source.parse({ ...message, ...(source.naming === undefined ? {} : { naming: source.naming }) }).changes);
    } catch (thrown) {
      if (!isTwinportError(thrown) || thrown.code !== 'INVALID') throw thrown;
    }
  });
});

describe('the webhook', () => {
  const postgres = useLedger();
  let server: FastifyInstance;
  const accepted: ReceivedChange[] = [];

  beforeAll(async () => {
    server = createServer(pino({ level: 'silent' }));
    const take = async (received: readonly ReceivedChange[]) => {
      accepted.push(...received);
      return { sent: received.length, stored: 0, outOfScope: 0 };
    };
    const dispatcher = { accept: take, deliver: async () => undefined, close: async () => undefined };
    const recorder = { record: () => undefined, close: async () => undefined, dropped: 0 };
    await server.register(webhookRoutes({ dispatcher, recorder, secret: SECRET, config: { secrets: {} } }));
  });
  beforeEach(() => void accepted.splice(0));
  afterAll(() => server.close());

  const samples = names.flatMap((name) => fixturesOf(name).map((file) => readFixture(name, file)));
  const path = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names).map((name) => `/events/${name}`) },
    { weight: 1, arbitrary: fc.constant('/api/v4/container_registry_event/events') },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...names, '__proto__', 'x'), hostileText).map((two) => `/events/${two.map(escape).join('/')}`),
    },
  );
  const request = fc.record({
    path,
    body: nearJson(samples.map((sample) => sample.body)),
    authorization: fc.oneof({ weight: 6, arbitrary: fc.constant(SECRET) }, { weight: 1, arbitrary: hostileText }),
    type: fc.oneof(fc.constantFrom(...samples.map(({ contentType }) => contentType)), hostileText),
  });

  fuzz('answers as it says, and takes no rubbish', 9_000, request, async ({ path: url, body, authorization, type }) => {
    accepted.splice(0);
    const headers = { authorization: printable(authorization), 'content-type': printable(type) };
    const { statusCode } = await server.inject({ method: 'POST', url, headers, payload: Buffer.from(body) });
    expect([200, 202, 400, 401, 404, 413, 503]).toContain(statusCode);
    expectUsable(accepted.map(({ change }) => change));
    if (printable(authorization).replace(/^bearer +/i, '') !== SECRET && !url.includes(SECRET)) expect(accepted).toEqual([]);
    await storable(accepted);
  });

  /** What was taken must fit into the ledger too: it is where events go while Temporal is away. */
  async function storable(received: readonly ReceivedChange[]): Promise<void> {
    if (received.length === 0) return;
    await recordEvents(postgres.ledger, received).catch((thrown: unknown) => {
      throw new Error(`not recorded: ${failureOf(thrown).message} ${JSON.stringify(received)}`);
    });
    await putInbox(
      postgres.ledger,
      received.map((one) => ({ ...one, site: 'eu' })),
    );
  }
});

/** As it can travel in a header. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function escape(text: string): string {
  return /\p{Cs}/u.test(text) ? 'x' : encodeURIComponent(text);
}
