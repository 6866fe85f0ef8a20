import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../../src/model/digest.ts';
import { readBlob } from '../../../src/registry/blobs.ts';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { AuthOptions } from '../../../src/registry/endpoint.ts';
import { deleteManifest, headManifest } from '../../../src/registry/manifests.ts';
import { ping } from '../../../src/registry/ping.ts';
import { limiterFor } from '../../../src/registry/transport/limiter.ts';
import { hostOf } from '../../../src/registry/transport/target-url.ts';
import { listTags } from '../../../src/registry/tags.ts';
import { mountBlob, patchBlob, putBlob, startUpload } from '../../../src/registry/uploads.ts';
import { randomBytes, sha256 } from '../../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../../support/quirk-proxy.ts';
import { testRegistry, TEST_USER } from '../../support/registries.ts';
import { eventually } from '../../support/eventually.ts';
import { httpServer, json } from '../support/http-server.ts';
import { makeKeyPair } from '../support/keys.ts';
import { failureOf, pieces, testSession } from '../support/sessions.ts';
import { ISSUER, SERVICE, tokenServer, type TokenServer } from '../support/token-server.ts';

const LOGIN: AuthOptions = { type: 'basic', username: 'robot', password: 'hunter2' };
const bytes = randomBytes('token-service', 50_000);
const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: bytes.length };

describe('a registry with a token service', () => {
  let service: TokenServer;
  let proxy: QuirkProxy;

  beforeAll(async () => {
    const pair = makeKeyPair('rsa');
    service = await tokenServer(pair);
    const auth = {
      type: 'token',
      realm: `${service.url}/token?account=x`,
      service: SERVICE,
      issuer: ISSUER,
      certificate: pair.cert,
    } as const;
    proxy = await quirkProxy((await testRegistry({ version: 3, auth })).url);
  });
  beforeEach(() => {
    proxy.reset();
    service.requests.length = 0;
    Object.assign(service.rules, {
      login: 'robot:hunter2',
      grant: undefined,
      expiresIn: 300,
      field: 'token',
      lifeSeconds: 300,
      delayMs: 0,
      answer: undefined,
    });
  });
  const open = (auth: AuthOptions = LOGIN) => testSession(proxy.url, { auth });

  it('gets a token for what is wanted, with the credentials, and uses it again', async () => {
    const session = open();
    await putBlob(session, await startUpload(session, 'a/b'), 'a/b', blob, pieces(bytes));
    expect(await listTags(session, 'a/b')).toBeUndefined();
    expect(await listTags(session, 'a/b')).toBeUndefined();
    expect(service.requests.map((request) => request.scopes)).toEqual([['repository:a/b:pull,push'], ['repository:a/b:pull']]);
    expect(service.requests[0]).toMatchObject({
      service: SERVICE,
      path: expect.stringContaining('/token?account=x&service='),
      authorization: expect.stringMatching(/^Basic /),
    });
    expect(proxy.seen.filter((one) => one.status === 401)).toHaveLength(1);
  });

  it('asks for what a mount, a deletion and the catalog need', async () => {
    const session = open();
    await ping(session);
    await mountBlob(session, 'a/b', blob.digest, 'c/d');
    await deleteManifest(session, 'a/b', blob.digest);
    await listRepositories(session, { limit: 5 });
    expect(service.requests.map((request) => request.scopes)).toEqual([
      [],
      ['repository:a/b:pull,push', 'repository:c/d:pull'],
      ['repository:a/b:delete'],
      ['registry:catalog:*'],
    ]);
  });

  it('sends a blob itself where it may not read the repository to mount from', async () => {
    const session = open();
    const upload = await startUpload(session, 'a/b');
    expect(upload.offset).toBe(0);
    // This service refuses a token that names the other repository at all.
    proxy.rules.push({
      method: 'POST',
      path: /mount=/,
      answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${service.url}/token",error="insufficient_scope"` } },
    });
    expect(await mountBlob(session, 'a/b', blob.digest, 'secret/one')).toMatchObject({ offset: 0 });
  });

  it('gets anonymous tokens without credentials', async () => {
    service.rules.login = undefined;
    await listTags(open({ type: 'none' }), 'a/b');
    expect(service.requests[0]?.authorization).toBeUndefined();
  });

  it('asks once for many at once', async () => {
    const session = open();
    await ping(session);
    service.requests.length = 0;
    service.rules.delayMs = 50;
    await Promise.all(Array.from({ length: 20 }, () => listTags(session, 'a/b')));
    expect(service.requests).toHaveLength(1);
  });

  it('takes access_token, and renews before the end of a short life', async () => {
    Object.assign(service.rules, { field: 'access_token', expiresIn: 6 });
    const session = open();
    await listTags(session, 'a/b');
    await listTags(session, 'a/b');
    expect(service.requests).toHaveLength(1);
    await new Promise((go) => setTimeout(go, 3_500));
    await listTags(session, 'a/b');
    expect(service.requests).toHaveLength(2);
  });

  it('tries once more with a fresh token where the registry no longer takes the old one', async () => {
    const session = open();
    await listTags(session, 'a/b');
    proxy.rules.push({
      path: /tags/,
      times: 1,
      answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${service.url}/token",service="${SERVICE}"` } },
    });
    expect(await listTags(session, 'a/b')).toBeUndefined();
    expect(service.requests).toHaveLength(2);
  });

  it('says DENIED where a fresh token allows too little, after one try', async () => {
    service.rules.grant = ['pull'];
    const session = open();
    expect(await failureOf(startUpload(session, 'a/b'))).toMatchObject({ code: 'DENIED', status: 401, retry: 'never' });
    expect(proxy.count('POST')).toBe(2);
    expect(service.requests).toHaveLength(1);
  });

  it('says UNAUTHORIZED where the service does not take the credentials, and never shows them', async () => {
    const failure = await failureOf(ping(open({ type: 'basic', username: 'robot', password: 'wrong-secret' })));
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', status: 401, retry: 'later' });
    expect(failure.message).toContain(new URL(service.url).host);
    expect(failure.message).not.toMatch(/wrong-secret|Basic|\?/);
  });

  it.each([
    [{ status: 500, body: 'oops' }, 'UNAVAILABLE'],
    [{ status: 429, body: '', headers: { 'retry-after': '90' } }, 'RATE_LIMITED'],
    [{ status: 200, body: '<html>sign in</html>' }, 'PROTOCOL'],
    [{ status: 200, body: '{}' }, 'PROTOCOL'],
  ])('tells a token service that answers %j: %s', async (answer, code) => {
    service.rules.answer = answer;
    expect(await failureOf(ping(open()))).toMatchObject({ code, ...(code === 'RATE_LIMITED' ? { retryAfterMs: 90_000 } : {}) });
    // Nor would it be asked again by the next tests.
    limiterFor(hostOf(service.url)).recovered();
  });

  it('asks a token service again that was asked for too much, when its Retry-After is over, and lets the others wait too', async () => {
    service.rules.answer = { status: 429, body: '', headers: { 'retry-after': '1' } };
    const began = performance.now();
    const first = ping(open());
    await eventually(
      async () => service.requests.length,
      (asked) => asked > 0,
    );
    service.rules.answer = undefined;
    await Promise.all([first, ping(open())]);
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(service.requests).toHaveLength(3);
    limiterFor(hostOf(service.url)).recovered();
  });

  it('sends no credentials to a http realm on another host', async () => {
    proxy.rules.push({ answer: { status: 401, headers: { 'www-authenticate': 'Bearer realm="http://evil.example.com/token?x=secret"' } } });
    const failure = await failureOf(ping(open()));
    expect(failure).toMatchObject({ code: 'CONFIG', message: expect.stringContaining('http://evil.example.com;') });
    expect(failure.message).not.toContain('secret');
  });

  it('resolves a relative realm, and prefers Bearer to Basic', async () => {
    const session = open();
    proxy.rules.push({
      path: /^\/v2\/$/,
      times: 1,
      answer: { status: 401, headers: { 'www-authenticate': ['Basic realm="x"', 'Bearer realm="/elsewhere",service="s"'] } },
    });
    proxy.rules.push({ path: /^\/elsewhere/, answer: { status: 200, body: '{"token":"t1"}' } });
    proxy.rules.push({ path: /^\/v2\/$/, answer: { status: 200 } });
    await ping(session);
    expect(proxy.seen.map((one) => one.path)).toEqual(['/v2/', '/elsewhere?service=s', '/v2/']);
    expect(proxy.seen[2]?.headers.authorization).toBe('Bearer t1');
  });

  it('asks also for the scopes that only the registry knows of, and remembers them', async () => {
    const session = open();
    const challenge = `Bearer realm="${service.url}/token",service="${SERVICE}",scope="repository:a/b:metadata_read"`;
    const wants = { method: 'GET', path: /tags/, times: 1, answer: { status: 401, headers: { 'www-authenticate': challenge } } };
    proxy.rules.push(wants);
    await listTags(session, 'a/b');
    await listTags(session, 'a/b');
    expect(service.requests.map((request) => request.scopes)).toEqual([['repository:a/b:metadata_read,pull']]);
  });

  it('learns of the token service before it sends a body that can be sent only once', async () => {
    const upload = await startUpload(open(), 'a/b');
    proxy.reset();
    const moved = await patchBlob(open(), upload, pieces(bytes));
    expect(moved.offset).toBe(bytes.length);
    expect(proxy.count('PATCH')).toBe(1);
  });

  it('surfaces a 401 to such a body as UNAUTHORIZED, to be tried again now, and the token is good by then', async () => {
    const session = open();
    const upload = await startUpload(session, 'a/b');
    const challenge = `Bearer realm="${service.url}/token",service="${SERVICE}"`;
    proxy.rules.push({ method: 'PATCH', times: 1, answer: { status: 401, headers: { 'www-authenticate': challenge } } });
    expect(await failureOf(patchBlob(session, upload, pieces(bytes)))).toMatchObject({ code: 'UNAUTHORIZED', retry: 'now' });
    expect((await patchBlob(session, upload, pieces(bytes))).offset).toBe(bytes.length);
  });

  it('sends a body from memory again after a 401', async () => {
    const session = open();
    const upload = await startUpload(session, 'a/b');
    const challenge = `Bearer realm="${service.url}/token",service="${SERVICE}"`;
    proxy.rules.push({ method: 'PUT', times: 1, answer: { status: 401, headers: { 'www-authenticate': challenge } } });
    await putBlob(session, upload, 'a/b', blob, bytes);
    expect(proxy.count('PUT')).toBe(2);
  });

  it('leaves the others waiting when one that waits for the token is cancelled', async () => {
    const session = open();
    await ping(session);
    service.rules.delayMs = 200;
    const controller = new AbortController();
    const cancelled = failureOf(listTags(session, 'a/b', controller.signal));
    const other = listTags(session, 'a/b');
    setTimeout(() => controller.abort(), 50);
    expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
    expect(await other).toBeUndefined();
  });

  it('does not let a host that it is redirected to say where the credentials go', async () => {
    const session = open();
    await putBlob(session, await startUpload(session, 'a/b'), 'a/b', blob, pieces(bytes));
    const asked: (string | undefined)[] = [];
    const thief = await httpServer((_, request, response) => {
      asked.push(request.headers.authorization);
      json(response, { token: 'poison' });
    });
    const storage = await httpServer((_, __, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${thief}/token",service="x"` }).end();
    });
    proxy.rules.push({ method: 'GET', path: /\/blobs\//, redirectTo: storage });
    const failure = await failureOf(readBlob(session, 'a/b', blob.digest));
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    expect(asked).toEqual([]);
    proxy.reset();
    expect((await readBlob(session, 'a/b', blob.digest)).size).toBe(blob.size);
  });
});

describe.each([2, 3] as const)('Basic on Distribution %i', (version) => {
  let proxy: QuirkProxy;
  beforeAll(async () => {
    proxy = await quirkProxy((await testRegistry({ version, auth: { type: 'htpasswd', users: [TEST_USER.line] } })).url);
  });

  it('sends the credentials once asked for, and from then on at once', async () => {
    const session = testSession(proxy.url, { auth: { type: 'basic', username: TEST_USER.username, password: TEST_USER.password } });
    await ping(session);
    await putBlob(session, await startUpload(session, 'a/b'), 'a/b', blob, pieces(bytes));
    expect(await headManifest(session, 'a/b', 'none')).toBeUndefined();
    expect(proxy.seen.filter((one) => one.status === 401)).toHaveLength(1);
  });

  it('says UNAUTHORIZED to a wrong password, and where none is configured', async () => {
    const wrong = testSession(proxy.url, { auth: { type: 'basic', username: TEST_USER.username, password: 'wrong-secret' } });
    const failure = await failureOf(ping(wrong));
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    expect(failure.message).not.toContain('wrong-secret');
    expect(await failureOf(ping(testSession(proxy.url)))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await failureOf(ping(testSession(proxy.url, { auth: { type: 'bearer', token: 'fixed-secret' } })))).toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });
});
