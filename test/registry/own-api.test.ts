import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { callJson } from '../../src/registry/call-json.ts';
import { listRepositories } from '../../src/registry/catalog.ts';
import { httpServer, json } from './support/http-server.ts';
import { failureOf, testSession } from './support/sessions.ts';

const SCHEMA = z.looseObject({ items: z.array(z.looseObject({ name: z.string() })) });

describe('an API of its own', () => {
  let api: string;
  const seen: { path: string; authorization: string | undefined }[] = [];

  beforeAll(async () => {
    api = await httpServer((url, request, response) => {
      seen.push({ path: url.pathname + url.search, authorization: request.headers.authorization });
      if (url.pathname === '/wrong') return json(response, { items: [{ name: 1 }] });
      if (url.pathname === '/text') return void response.end('<html>');
      if (url.pathname === '/none') return json(response, {}, {}, 404);
      json(response, { items: [{ name: 'a' }] });
    });
  });

  const open = (options: object = {}) =>
    testSession('http://127.0.0.1:9', { api: { url: api }, auth: { type: 'basic', username: 'u', password: 'p' }, ...options });

  it('is asked where the endpoint says, with the authorization that its kind gives and no other', async () => {
    const asked = await callJson(
      open(),
      { method: 'GET', base: 'http://127.0.0.1:8', path: '/x/a%2Fb', query: { page: '1' }, authorization: 'Bearer t' },
      SCHEMA,
    );
    expect(asked?.body.items).toEqual([{ name: 'a' }]);
    expect(seen.at(-1)).toEqual({ path: '/x/a%2Fb?page=1', authorization: 'Bearer t' });
    await callJson(open(), { method: 'GET', path: '/x' }, SCHEMA);
    expect(seen.at(-1)?.authorization).toBeUndefined();
  });

  it('tells "not there" from "broken"', async () => {
    expect(await callJson(open(), { method: 'GET', path: '/none' }, SCHEMA, [404])).toBeUndefined();
    expect(await failureOf(callJson(open(), { method: 'GET', path: '/none' }, SCHEMA))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(callJson(open(), { method: 'GET', path: '/text' }, SCHEMA))).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('not JSON'),
    });
    expect(await failureOf(callJson(open(), { method: 'GET', path: '/wrong' }, SCHEMA))).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('items.0.name'),
    });
  });
});

it('gives a configured list of repositories in pages, without asking', async () => {
  const one = testSession('http://127.0.0.1:9', { catalog: ['c', 'a', 'b', 'a'] });
  const first = await listRepositories(one, { limit: 2 });
  expect(first).toEqual({ repositories: ['a', 'b'], next: 'b' });
  expect(await listRepositories(one, { limit: 2, after: first.next })).toEqual({ repositories: ['c'] });
});

it.each([
  ['oci', 404, /: name them in catalog$/],
  ['distribution', 401, /: name them in catalog$/],
  ['ghcr', 404, /: name them in catalog, or whose they are \(organization or user\) in its namespaces$/],
] as const)('says what to do where the catalog of %s is closed (%d)', async (kind, status, message) => {
  const url = await httpServer((_, __, response) => json(response, { errors: [{ code: 'NOPE', message: 'no catalog' }] }, {}, status));
  const failure = await failureOf(listRepositories(testSession(url, { kind }), { limit: 10 }));
  expect(failure).toMatchObject({
    code: status === 404 ? 'NOT_FOUND' : 'UNAUTHORIZED',
    status,
    message,
    codes: ['NOPE'],
    side: 'secondary',
  });
});
