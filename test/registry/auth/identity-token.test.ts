import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuthOptions } from '../../../src/registry/endpoint.ts';
import { ping } from '../../../src/registry/ping.ts';
import { listTags } from '../../../src/registry/tags.ts';
import { quirkProxy, type QuirkProxy } from '../../support/quirk-proxy.ts';
import { testRegistry, TEST_USER } from '../../support/registries.ts';
import { makeKeyPair } from '../support/keys.ts';
import { failureOf, testSession } from '../support/sessions.ts';
import { ISSUER, SERVICE, tokenServer, type TokenServer } from '../support/token-server.ts';

const IDENTITY: AuthOptions = { type: 'identity-token', token: 'identity-1' };

describe('an identity token', () => {
  let service: TokenServer;
  let proxy: QuirkProxy;

  beforeAll(async () => {
    const pair = makeKeyPair('rsa');
    service = await tokenServer(pair);
    const auth = { type: 'token', realm: `${service.url}/token`, service: SERVICE, issuer: ISSUER, certificate: pair.cert } as const;
    proxy = await quirkProxy((await testRegistry({ version: 3, auth })).url);
  });
  beforeEach(() => {
    proxy.reset();
    service.requests.length = 0;
    Object.assign(service.rules, {
      login: 'nobody:comes',
      identity: 'identity-1',
      nextIdentity: undefined,
      issuedAt: undefined,
      expiresIn: 300,
    });
  });
  const open = (auth: AuthOptions = IDENTITY) => testSession(proxy.url, { auth });

  it('is exchanged by OAuth2 for a token of the registry, which is used again', async () => {
    const session = open();
    expect(await listTags(session, 'a/b')).toBeUndefined();
    expect(await listTags(session, 'a/b')).toBeUndefined();
    expect(service.requests).toHaveLength(1);
    const [request] = service.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/token',
      service: SERVICE,
      scopes: ['repository:a/b:pull'],
      authorization: undefined,
    });
    expect(Object.fromEntries(request?.form ?? [])).toMatchObject({
      grant_type: 'refresh_token',
      client_id: 'twinport',
      refresh_token: 'identity-1',
    });
  });

  it('gives way to the one that the service gives in its place', async () => {
    service.rules.nextIdentity = 'identity-2';
    const session = open();
    await listTags(session, 'a/b');
    await listTags(session, 'c/d');
    expect(service.requests.map(({ form }) => form.get('refresh_token'))).toEqual(['identity-1', 'identity-2']);
  });

  it('goes as a password to a service that knows GET alone', async () => {
    Object.assign(service.rules, { identity: undefined, login: '00000000-0000-0000-0000-000000000000:identity-1' });
    const session = open({ type: 'identity-token', token: 'identity-1', username: '00000000-0000-0000-0000-000000000000' });
    expect(await listTags(session, 'a/b')).toBeUndefined();
    expect(service.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  it('is not shown where it is refused, nor to a registry that wants Basic', async () => {
    const failure = await failureOf(ping(open({ type: 'identity-token', token: 'wrong-secret' })));
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    expect(failure.message).not.toContain('wrong-secret');
    const basic = await quirkProxy((await testRegistry({ version: 3, auth: { type: 'htpasswd', users: [TEST_USER.line] } })).url);
    expect(await failureOf(ping(testSession(basic.url, { auth: IDENTITY })))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(basic.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('counts the life of a token from when the service made it', async () => {
    service.rules.issuedAt = new Date(Date.now() - 299_900).toISOString();
    const session = open();
    await listTags(session, 'a/b');
    await new Promise((go) => setTimeout(go, 700));
    await listTags(session, 'a/b');
    expect(service.requests).toHaveLength(2);
    service.rules.issuedAt = new Date(Date.now() + 60_000).toISOString();
    await listTags(session, 'c/d');
    await listTags(session, 'c/d');
    expect(service.requests).toHaveLength(3);
  });

  it('finds no service at a realm that answers 404', async () => {
    proxy.rules.push({ path: /^\/v2\/$/, answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${proxy.url}/nowhere"` } } });
    expect(await failureOf(ping(open()))).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('no token service') });
  });
});
