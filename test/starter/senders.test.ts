import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { generateKeyPair } from 'jose';
import { pino } from 'pino';
import { eventSources } from '../../src/events/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import type { Change } from '../../src/model/change.ts';
import { syncImageId, syncRepositoryId } from '../../src/model/names.ts';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import type { StarterParts } from '../../src/processes/starter/main.ts';
import { cell } from '../support/matrix.ts';
import { fixturesOf, readFixture, type Fixture } from '../events/fixtures.ts';
import { ACCOUNT, AUDIENCE, startGoogleKeys, unsignedToken, type GoogleKeys } from './google-keys.ts';
import { drained, onceEach, SECRET, signalsTo, useStarter } from './support.ts';

const world = useStarter(['eu']);
/** Other characters than a path or a header takes as they are. */
const HUB_SECRET = 'hub/secret+1 ü';
const GITHUB_SECRET = 'gGitHubsOwn1';

let google: GoogleKeys;
let url: string;
const configOf = (keySet: string): StarterParts['config'] => ({
  webhook: {
    listen: '127.0.0.1:0',
    secrets: { dockerhub: HUB_SECRET, ghcr: GITHUB_SECRET },
    tokens: { gar: { audience: AUDIENCE, email: ACCOUNT, keySet } },
  },
  retention: { inboxMs: 86_400_000, auditMs: 86_400_000, historyMs: 86_400_000 },
});

beforeAll(async () => {
  google = await startGoogleKeys();
  ({ url } = await world.another({ config: configOf(google.url) }));
});
afterAll(() => google?.close());

/** What a sender puts beside its body. */
interface Proven {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
const hmac = (body: string, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');
const basic = (password: string): string => `Basic ${Buffer.from(`twinport:${password}`).toString('base64')}`;

/** Every way in which each sender may prove itself, with a secret that may be the wrong one. */
const PROOFS: Readonly<Record<string, Readonly<Record<string, (body: string, secret: string) => Proven | Promise<Proven>>>>> = {
  distribution: { bare: (_, s) => ({ headers: { authorization: s } }), bearer: (_, s) => ({ headers: { authorization: `Bearer ${s}` } }) },
  gitlab: { bare: (_, s) => ({ headers: { authorization: s } }) },
  harbor: { bare: (_, s) => ({ headers: { authorization: s } }), bearer: (_, s) => ({ headers: { authorization: `Bearer ${s}` } }) },
  acr: { bare: (_, s) => ({ headers: { authorization: s } }), path: (_, s) => ({ path: s }) },
  ecr: {
    'API key': (_, s) => ({ headers: { 'x-api-key': s } }),
    bare: (_, s) => ({ headers: { authorization: s } }),
    basic: (_, s) => ({ headers: { authorization: basic(s) } }),
  },
  gar: {
    token: async (_, s) => ({
      headers: { authorization: `Bearer ${await google.token(s === SECRET ? {} : { email: 'somebody@else.example.com' })}` },
    }),
  },
  ghcr: { signature: (body, s) => ({ headers: { 'x-hub-signature-256': `sha256=${hmac(body, s)}` } }) },
  dockerhub: { path: (_, s) => ({ path: s }) },
  quay: { path: (_, s) => ({ path: s }), basic: (_, s) => ({ headers: { authorization: basic(s) } }) },
  zot: { basic: (_, s) => ({ headers: { authorization: basic(s) } }), bearer: (_, s) => ({ headers: { authorization: `Bearer ${s}` } }) },
  jfrog: {
    header: (_, s) => ({ headers: { 'x-jfrog-event-auth': s } }),
    signature: (body, s) => ({ headers: { 'x-jfrog-event-auth': hmac(body, s) } }),
  },
  cloudevents: { bearer: (_, s) => ({ headers: { authorization: `Bearer ${s}` } }), path: (_, s) => ({ path: s }) },
};
const SECRETS: Readonly<Record<string, string>> = { dockerhub: HUB_SECRET, ghcr: GITHUB_SECRET };
const secretOf = (source: string): string => SECRETS[source] ?? SECRET;

const bodyOf = ({ body }: Fixture): string => JSON.stringify(body, null, 1);

function send(source: string, fixture: Fixture, { path, headers }: Proven, body = bodyOf(fixture), at = url): Promise<Response> {
  const end = path === undefined ? '' : `/${encodeURIComponent(path)}`;
  return fetch(`${at}/events/${source}${end}`, {
    method: 'POST',
    headers: { 'content-type': fixture.contentType, ...fixture.headers, ...headers },
    body,
  });
}

async function sendProven(source: string, fixture: Fixture, secret = secretOf(source)): Promise<Response> {
  const prove = Object.values(PROOFS[source] ?? {})[0]!;
  return send(source, fixture, await prove(bodyOf(fixture), secret));
}

/** The workflow that a change must be told to, and the signal. */
function signalOf({ action, repository, tag, digest }: Change): { id: string; signal: object } {
  const named = { ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
  const receivedAt = expect.any(Number);
  if (action === 'push' && tag !== undefined)
    return {
      id: syncImageId('eu', repository, tag),
      signal: { ...named, receivedAt, ...(digest === undefined ? { lookAgain: true } : {}) },
    };
  return { id: syncRepositoryId('eu', repository), signal: { kind: action === 'push' ? 'digest' : 'deleted', ...named, receivedAt } };
}

const sources = Object.keys(eventSources);
const files = (...kinds: string[]) =>
  sources.flatMap((source) =>
    fixturesOf(source)
      .filter((file) => kinds.some((kind) => file.startsWith(kind)))
      .filter((file) => readFixture(source, file).naming === undefined)
      .map((file): [string, string] => [source, file]),
  );

/** The registries of the table whose events are these; Distribution's are real ones, in test/system. */
const ROWS: readonly string[] = ['gitlab', 'harbor', 'acr', 'ecr', 'gar', 'ghcr', 'dockerhub', 'quay', 'zot', 'jfrog'];

describe('a genuine message starts the right sync, a forged one none', () => {
  it.each(files('push', 'delete'))('%s: %s', async (source, file) => {
    const fixture = readFixture(source, file);
    const expected = (fixture.expected?.changes ?? []).map(signalOf);
    expect(expected).not.toEqual([]);
    const ids = [...new Set(expected.map(({ id }) => id))];
    const before = await Promise.all(ids.map((id) => signalsTo(world.client, id)));
    expect((await sendProven(source, fixture, 'forged')).status).toBe(401);
    const answer = await sendProven(source, fixture);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: fixture.expected?.changes.length, outOfScope: 0 });
    await drained(world);
    for (const [at, id] of ids.entries()) {
      const since = onceEach((await signalsTo(world.client, id)).slice(before[at]?.length));
      const wanted = expected.filter((told) => told.id === id).map(({ signal }) => signal);
      // Changes of one tag in one message are one look; notices may come in any order.
      const told = id.startsWith('sync/') ? wanted.slice(-1) : wanted;
      expect(since).toHaveLength(told.length);
      expect(since).toEqual(expect.arrayContaining(told));
    }
    if (file.startsWith('push') && ROWS.includes(source)) cell(source, 'events');
  });

  it.each(files('noise'))('and noise none: %s: %s', async (source, file) => {
    const fixture = readFixture(source, file);
    const answer = await sendProven(source, fixture);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: fixture.expected?.changes.length, ignored: fixture.expected?.ignored });
  });
});

describe('a damaged message is refused with the path of the field', () => {
  it.each(files('damaged'))('%s: %s', async (source, file) => {
    const fixture = readFixture(source, file);
    const answer = await sendProven(source, fixture);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: { code: 'INVALID', message: expect.any(String), path: fixture.path } });
  });
});

describe('a stranger gets 401', () => {
  const ways = sources.flatMap((source) => Object.keys(PROOFS[source] ?? {}).map((way): [string, string] => [source, way]));

  it.each(ways)('%s by %s', async (source, way) => {
    const fixture = readFixture(
      source,
      fixturesOf(source).find((file) => file.startsWith('push'))!,
    );
    const prove = PROOFS[source]![way]!;
    const body = bodyOf(fixture);
    expect((await send(source, fixture, await prove(body, secretOf(source)))).status).toBe(202);
    const refused = [
      send(source, fixture, await prove(body, `${secretOf(source)}x`)),
      send(source, fixture, await prove(body, '')),
      send(source, fixture, {}),
    ];
    // What was signed is what counts, to the last byte.
    if (way === 'signature') refused.push(send(source, fixture, await prove(body, secretOf(source)), `${body} `));
    for (const answer of await Promise.all(refused)) {
      expect([401, 404]).toContain(answer.status);
      expect(JSON.stringify(await answer.json())).not.toContain(secretOf(source));
    }
  });

  it('whose header only looks like a signature', async () => {
    const fixture = readFixture('ghcr', 'push-registry-package.json');
    for (const signature of ['sha256=', 'sha256=zz', 'sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709', hmac(bodyOf(fixture), GITHUB_SECRET)])
      expect((await send('ghcr', fixture, { headers: { 'x-hub-signature-256': signature } })).status).toBe(401);
  });

  it('by a way that is not its sender’s', async () => {
    const push = (source: string) =>
      readFixture(
        source,
        fixturesOf(source).find((file) => file.startsWith('push'))!,
      );
    expect((await send('harbor', push('harbor'), { path: SECRET })).status).toBe(404);
    expect((await send('harbor', push('harbor'), { headers: { 'x-api-key': SECRET } })).status).toBe(401);
    expect((await send('ghcr', push('ghcr'), { headers: { authorization: GITHUB_SECRET } })).status).toBe(401);
    expect((await send('gar', push('gar'), { headers: { authorization: SECRET } })).status).toBe(401);
    expect((await send('dockerhub', push('dockerhub'), { headers: { authorization: HUB_SECRET } })).status).toBe(401);
    expect((await send('dockerhub', push('dockerhub'), { path: SECRET })).status).toBe(401);
  });
});

describe('a token', () => {
  const fixture = readFixture('gar', 'push-tag.json');
  const statusOf = async (token: string, at = url): Promise<number> =>
    (await send('gar', fixture, { headers: { authorization: `Bearer ${token}` } }, undefined, at)).status;

  it.each<[string, () => Promise<string> | string]>([
    ['expired', () => google.token({}, { expires: '-1m' })],
    ['that never expires', () => google.token({}, { expires: false })],
    ['not good yet', () => google.token({ nbf: Math.floor(Date.now() / 1000) + 600 })],
    ['for somebody else', () => google.token({ aud: 'https://other.example.com' })],
    ['of another account', () => google.token({ email: 'other@my-project.iam.gserviceaccount.com' })],
    ['of an account that nobody verified', () => google.token({ email_verified: false })],
    ['that says "true" for true', () => google.token({ email_verified: 'true' })],
    ['of no account', () => google.token({ email: undefined })],
    ['of another issuer', () => google.token({ iss: 'https://accounts.example.com' })],
    ['signed by another key', async () => google.token({}, { key: (await generateKeyPair('RS256')).privateKey })],
    ['of a key that is not in the set', () => google.token({}, { kid: 'google-2' })],
    ['signed by nobody', unsignedToken],
    ['signed with the public key as a secret', () => google.confused()],
    ['that is none', () => 'e30.e30.e30'],
    ['that is the webhook’s secret', () => SECRET],
  ])('%s: 401', async (_what, make) => expect(await statusOf(await make())).toBe(401));

  it('of the right account, for us, is taken; and Google’s keys are read once', async () => {
    expect(await statusOf(await google.token())).toBe(202);
    expect(await statusOf(await google.token({ iss: 'accounts.google.com' }))).toBe(202);
    expect(google.reads()).toBe(1);
  });

  it('is not judged while the keys cannot be read: 503', async () => {
    const { url: away } = await world.another({ config: configOf(`http://127.0.0.1:${await freePort()}/keys`) });
    const answer = await send('gar', fixture, { headers: { authorization: `Bearer ${await google.token()}` } }, undefined, away);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.json()).toMatchObject({ error: { code: 'UNAVAILABLE', message: expect.stringMatching(/cannot be read now/) } });
    // What cannot be a token of Google needs no keys to be refused.
    expect(await statusOf(unsignedToken(), away)).toBe(401);
    // An answer that holds no keys is no reason to call the sender a stranger either.
    const { url: broken } = await world.another({ config: configOf(`${url}/healthz`) });
    expect(await statusOf(await google.token(), broken)).toBe(503);
  });

  it('is not taken where none is configured', async () => {
    const answer = await fetch(`${world.url}/events/gar`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await google.token()}` },
      body: bodyOf(fixture),
    });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(/before webhook\.secrets\.gar is configured/) } });
  });
});

describe('a sender that asks first', () => {
  const ask = (source: string, secret: string, headers: Record<string, string> = { 'webhook-request-origin': 'eventgrid.azure.net' }) =>
    fetch(`${url}/events/${source}/${secret}`, { method: 'OPTIONS', headers });

  it.each(['acr', 'cloudevents'])('%s may, if it knows the secret', async (source) => {
    const answer = await ask(source, SECRET);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net');
    expect(answer.headers.get('webhook-allowed-rate')).toBe('*');
    expect((await ask(source, 'wrong')).status).toBe(401);
    expect(await (await ask(source, SECRET, {})).json()).toMatchObject({ error: { code: 'INVALID', path: 'webhook-request-origin' } });
  });

  it('others do not', async () => expect((await ask('quay', SECRET)).status).toBe(404));

  it('Event Grid in its own schema hears its code again', async () => {
    const fixture = readFixture('acr', 'validation-event-grid.json');
    const answer = await send('acr', fixture, { path: SECRET });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' });
    expect((await send('acr', fixture, { path: 'wrong' })).status).toBe(401);
  });
});

it('a body of more than 4 MiB is refused, also where it has to be read for the proof', async () => {
  const body = `{"padding":"${'x'.repeat(4 * 1024 * 1024)}"}`;
  const fixture = readFixture('ghcr', 'push-registry-package.json');
  expect((await send('ghcr', fixture, { headers: { 'x-hub-signature-256': `sha256=${hmac(body, GITHUB_SECRET)}` } }, body)).status).toBe(
    413,
  );
});

it('a secret in the path stands in no log, whatever happens', async () => {
  const lines: string[] = [];
  const closed = await openLedger(world.server.poolConfig);
  await closed.close();
  const connection = Connection.lazy({ address: `127.0.0.1:${await freePort()}` });
  const starter = await world.another({
    config: configOf(google.url),
    logger: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    client: new Client({ connection }),
    ledger: closed,
  });
  const fixture = readFixture('dockerhub', 'push.json');
  const statuses = [];
  for (const [path, body] of [
    [HUB_SECRET, bodyOf(fixture)],
    [HUB_SECRET, '{}'],
    [`${HUB_SECRET}%`, '{}'],
    [HUB_SECRET.repeat(200), '{}'],
  ])
    statuses.push((await send('dockerhub', fixture, { path: path! }, body, starter.url)).status);
  statuses.push(
    (await fetch(`${starter.url}/events/dockerhub/${encodeURIComponent(HUB_SECRET)}/more`, { method: 'POST', body: '{}' })).status,
  );
  statuses.push((await fetch(`${starter.url}/events/dockerhub/${encodeURIComponent(HUB_SECRET)}`)).status);
  expect(statuses).toEqual([503, 400, 401, expect.any(Number), 404, 404]);
  await starter.close();
  await connection.close();
  const log = lines.join('');
  expect(log).toContain('a request failed');
  expect(log).toContain('/events/:source/:secret');
  for (const form of [HUB_SECRET, encodeURIComponent(HUB_SECRET), encodeURI(HUB_SECRET)]) expect(log).not.toContain(form);
});
