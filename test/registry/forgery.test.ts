import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { headBlob, readBlob } from '../../src/registry/blobs.ts';
import type { Endpoint } from '../../src/registry/endpoint.ts';
import { listTagDigests as listAcrDigests } from '../../src/registry/kinds/acr/list-tag-digests.ts';
import { listTagDigests as listGarDigests } from '../../src/registry/kinds/gar/tag-list.ts';
import { headManifest } from '../../src/registry/manifests.ts';
import { fetchPage } from '../../src/registry/paging.ts';
import { ping } from '../../src/registry/ping.ts';
import { listReferrers } from '../../src/registry/referrers.ts';
import { cancelUpload, putBlob, startUpload } from '../../src/registry/uploads.ts';
import { pushImage, randomBytes, sha256 } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { httpServer } from './support/http-server.ts';
import { failureOf, pieces, testSession } from './support/sessions.ts';

const METADATA = 'http://169.254.169.254/latest/meta-data/iam/security-credentials/';
const bytes = randomBytes('forgery', 1_000);
const digest = sha256(bytes) as Digest;
const LOGIN = { type: 'basic', username: 'robot', password: 'hunter2-hunter2' } as const;

/*
 * A registry whose answers are forged sends us where only we can go: each way by which an answer can name an address, one by one. Without the guard
 * these requests go out, and end with another code than PROTOCOL.
 */
describe('an answer that leads inside', () => {
  let proxy: QuirkProxy;
  let other: QuirkProxy;

  beforeAll(async () => {
    const { url } = await testRegistry({ version: 3 });
    await pushImage(url, 'a/b', 'v1');
    [proxy, other] = await Promise.all([quirkProxy(url), quirkProxy(url)]);
  });
  beforeEach(() => {
    proxy.reset();
    other.reset();
  });
  const open = (changes: Partial<Endpoint> = {}) => testSession(proxy.url, { timeouts: { connectMs: 500 }, ...changes });
  const refused = { code: 'PROTOCOL', message: expect.stringContaining('is at a reserved address') };

  it('as the redirect of a blob, a manifest or a HEAD', async () => {
    proxy.rules.push({ answer: { status: 307, headers: { location: METADATA } } });
    expect(await failureOf(readBlob(open(), 'a/b', digest))).toMatchObject(refused);
    expect(await failureOf(headBlob(open(), 'a/b', digest))).toMatchObject(refused);
    expect(await failureOf(headManifest(open(), 'a/b', 'v1'))).toMatchObject(refused);
  });

  it('by way of a harmless host', async () => {
    other.rules.push({ answer: { status: 302, headers: { location: METADATA } } });
    proxy.rules.push({ redirectTo: other.url });
    expect(await failureOf(readBlob(open(), 'a/b', digest))).toMatchObject(refused);
    expect(other.count()).toBe(1);
  });

  it('as the location of an upload, for its bytes and for its removal', async () => {
    proxy.rules.push({ method: 'POST', answer: { status: 202, headers: { location: METADATA, range: '0-0' } } });
    const session = open();
    const upload = await startUpload(session, 'a/b');
    const blob = { mediaType: '', digest, size: bytes.length };
    expect(await failureOf(putBlob(session, upload, 'a/b', blob, pieces(bytes)))).toMatchObject(refused);
    expect(await failureOf(cancelUpload(session, upload.location))).toMatchObject(refused);
  });

  it('as the realm of a challenge', async () => {
    proxy.rules.push({ answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${METADATA.replace('http:', 'https:')}"` } } });
    expect(await failureOf(ping(open()))).toMatchObject(refused);
  });

  it('as a link to the next page: only its query is used, everywhere', async () => {
    const link = (query: string): Record<string, string> => ({ link: `<${other.url}/v2/evil${query}>; rel="next"` });
    const rule = (body: string, query = '?last=a&n=1') => ({ times: 1, answer: { status: 200, headers: link(query), body } });
    proxy.rules.push(rule('{"tags":["a"]}'), { answer: { status: 200, body: '{"tags":["b"]}' } });
    const listing = { repository: 'a/b', path: 'tags/list', field: 'tags', scope: 'pull' } as const;
    const page = await fetchPage(open(), listing, undefined, 1);
    expect((await fetchPage(open(), listing, page?.next, 1))?.items).toEqual(['b']);
    proxy.rules.splice(0, 2, rule(`{"manifests":[{"mediaType":"","digest":"${digest}","size":1}]}`), {
      answer: { status: 200, body: '{"manifests":[]}' },
    });
    expect(await listReferrers(open(), 'a/b', digest)).toHaveLength(1);
    proxy.rules.splice(0, 2, rule(`{"manifest":{"${digest}":{"tag":["a"]}},"tags":["a"]}`), {
      answer: { status: 200, body: '{"manifest":{},"tags":[]}' },
    });
    expect((await listGarDigests(open({ kind: 'gar' }), 'a/b'))?.size).toBe(1);
    proxy.rules.splice(0, 2, rule(`{"tags":[{"name":"a","digest":"${digest}"}]}`), { answer: { status: 200, body: '{"tags":[]}' } });
    expect((await listAcrDigests(open({ kind: 'acr' }), 'a/b'))?.size).toBe(1);
    expect(other.count()).toBe(0);
  });

  it.each([
    ['a link that is no URL', 'http://['],
    ['a link without a cursor', '/v2/'],
  ])('%s ends the list with LISTING, everywhere', async (_what, target) => {
    proxy.rules.push({
      answer: {
        status: 200,
        headers: { link: `<${target}>; rel="next"` },
        body: JSON.stringify({ tags: [], manifest: {}, manifests: [] }),
      },
    });
    const listing = { repository: 'a/b', path: 'tags/list', field: 'tags', scope: 'pull' } as const;
    const asked = [
      fetchPage(open(), listing, undefined, 1),
      listReferrers(open(), 'a/b', digest),
      listGarDigests(open({ kind: 'gar' }), 'a/b'),
      listAcrDigests(open({ kind: 'acr' }), 'a/b'),
    ];
    expect(await Promise.all(asked.map(async (one) => (await failureOf(one)).code))).toEqual(['LISTING', 'LISTING', 'LISTING', 'LISTING']);
  });

  it('has the credentials no more once it led elsewhere, not even back at the registry', async () => {
    other.rules.push({ answer: { status: 307, headers: { location: `${proxy.url}/v2/a/b/manifests/v1` } } });
    proxy.rules.push({ path: /blobs/, redirectTo: other.url });
    const failure = await failureOf(readBlob(open({ auth: { type: 'bearer', token: 'secret-token' } }), 'a/b', digest));
    // What came is no blob of that length or digest; what matters is with what it was asked for.
    expect(failure.code).toBe('NOT_FOUND');
    expect(proxy.seen.map(({ path, headers }) => [path.split('/').at(-2), headers.authorization])).toEqual([
      ['blobs', 'Bearer secret-token'],
      ['manifests', undefined],
    ]);
  });

  describe('credentials and a token service', () => {
    const challenge = (realm: string): void => {
      proxy.rules.push({
        path: /^\/v2\//,
        answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="s"` } },
      });
    };
    const there = (): string => other.url.replace('127.0.0.1', 'localhost');

    it.each([
      ['a password', LOGIN],
      ['an identity token', { type: 'identity-token', token: 'secret-identity' }],
    ] as const)('%s is not shown to one at another host', async (_what, auth) => {
      challenge(`${there()}/token`);
      const failure = await failureOf(ping(open({ auth })));
      expect(failure).toMatchObject({ code: 'CONFIG', retry: 'later', message: expect.stringContaining('trust: { tokens: [localhost:') });
      expect(other.count()).toBe(0);
      expect(failure.message).not.toMatch(/hunter2|secret/);
    });

    it('is shown them if the configuration says that it is the registry’s own', async () => {
      other.rules.push({ answer: { status: 200, body: '{"token":"t1"}' } });
      challenge(`${there()}/token`);
      await failureOf(ping(open({ auth: LOGIN, trust: { tokens: ['localhost'] } })));
      expect(other.seen[0]?.headers.authorization).toMatch(/^Basic /);
      expect(proxy.seen.at(-1)?.headers.authorization).toBe('Bearer t1');
    });

    it('gives anonymous tokens wherever it is', async () => {
      other.rules.push({ answer: { status: 200, body: '{"token":"t1"}' } });
      challenge(`${there()}/token`);
      await failureOf(ping(open()));
      expect(other.seen[0]?.headers.authorization).toBeUndefined();
    });
  });

  describe('what a registry says after us', () => {
    type Answer = (authorization: string) => { status: number; headers?: Record<string, string>; body?: string };
    const parrot = (answer: Answer): Promise<string> =>
      httpServer((_url, request, response) => {
        const { status, headers, body } = answer(request.headers.authorization ?? '');
        request.resume().once('end', () => response.writeHead(status, headers).end(body));
      });
    const credential = (header: string): string => header.replace(/^\S+ /, '');
    const decoded = (header: string): string => Buffer.from(credential(header), 'base64').toString();

    it.each([
      ['a token', { type: 'bearer', token: 'opaque+token/of=ours' }, /opaque/],
      ['a password', LOGIN, /hunter2|cm9ib3Q/],
    ] as const)('%s is in no error, whatever the answer made of it', async (_what, auth, secret) => {
      for (const say of [
        (header: string) => header,
        (header: string) => encodeURIComponent(credential(header)),
        (header: string) => JSON.stringify({ errors: [{ code: credential(header), message: `${header} ${decoded(header)}` }] }),
        (header: string) => JSON.stringify({ errors: [{ code: decoded(header).split(':')[1], message: '' }] }),
      ]) {
        const url = await parrot((header) =>
          header === '' ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } } : { status: 400, body: say(header) },
        );
        const failure = await failureOf(readBlob(testSession(url, { auth }), 'a/b', digest));
        expect(failure).toMatchObject({ code: 'INVALID', status: 400 });
        expect(`${failure.message} ${failure.codes.join(' ')}`).not.toMatch(secret);
      }
    });

    it('is in no Location that is kept: such an upload is given up', async () => {
      for (const say of [credential, (header: string) => encodeURIComponent(credential(header))]) {
        const url = await parrot((header) => ({ status: 202, headers: { location: `/v2/a/b/blobs/uploads/x?token=${say(header)}` } }));
        const failure = await failureOf(startUpload(testSession(url, { auth: { type: 'bearer', token: 'opaque-token-of=ours' } }), 'a/b'));
        expect(failure).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('holds our credentials') });
      }
    });

    it('may be in a Location by chance, where it is short', async () => {
      expect(await startUpload(open({ auth: { type: 'bearer', token: 'uploads' } }), 'a/b')).toMatchObject({ offset: 0 });
    });
  });
});
