import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { getEventListeners } from 'node:events';
import type { Digest } from '../../../src/model/digest.ts';
import { headBlob, proveBlob, readBlob } from '../../../src/registry/blobs.ts';
import { getManifest, headManifest, putManifest } from '../../../src/registry/manifests.ts';
import { ping } from '../../../src/registry/ping.ts';
import type { RequestRecord } from '../../../src/registry/transport/exchange.ts';
import { acquireTransfer } from '../../../src/registry/transport/limiter.ts';
import { patchBlob, putBlob, startUpload } from '../../../src/registry/uploads.ts';
import { pushBlob, pushImage, randomBytes, sha256, type PushedImage } from '../../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../../support/quirk-proxy.ts';
import { testRegistry } from '../../support/registries.ts';
import { httpServer } from '../support/http-server.ts';
import { eventually } from '../../support/eventually.ts';
import { collect, failureOf, pieces, testSession } from '../support/sessions.ts';

const bytes = randomBytes('send', 1_000_000);
const digest = sha256(bytes) as Digest;
const blob = { mediaType: '', digest, size: bytes.length };

/** Waits until so many requests have come by. */
async function eventuallySeen(proxy: QuirkProxy, requests: number): Promise<void> {
  await eventually(
    async () => proxy.seen.filter(({ status }) => status !== undefined).length,
    (seen) => seen >= requests,
  );
}

describe('transport', () => {
  let proxy: QuirkProxy;
  let direct: string;
  let image: PushedImage;

  beforeAll(async () => {
    direct = (await testRegistry({ version: 3 })).url;
    image = await pushImage(direct, 'a/b', 'v1');
    await pushBlob(direct, 'a/b', bytes, 'x');
    proxy = await quirkProxy(direct);
  });
  beforeEach(() => proxy.reset());

  const open = (changes: Parameters<typeof testSession>[1] = {}) => testSession(proxy.url, changes);

  describe('redirects', () => {
    it.each([301, 302, 303, 307, 308])('are followed (%i) without our credentials on another origin, Range kept', async (status) => {
      const storage = await quirkProxy(direct);
      proxy.rules.push({ path: /blobs/, redirectTo: storage.url, redirectStatus: status });
      const session = open({ auth: { type: 'bearer', token: 'secret-token' } });
      const { stream } = await readBlob(session, 'a/b', digest, { offset: 999_000 });
      expect((await collect(stream)).equals(bytes.subarray(999_000))).toBe(true);
      expect(await headBlob(session, 'a/b', digest)).toMatchObject({ size: bytes.length });
      expect(await proveBlob(session, 'a/b', blob)).toBe(true);
      expect(proxy.seen.every((one) => one.headers.authorization === 'Bearer secret-token')).toBe(true);
      expect(storage.seen.map((one) => one.headers.range)).toEqual(['bytes=999000-', undefined, 'bytes=999999-999999']);
      expect(storage.seen.every((one) => one.headers.authorization === undefined)).toBe(true);
    });

    it('keep the credentials on the same origin', async () => {
      proxy.rules.push({ path: /v1$/, redirectTo: `${proxy.url}/v2/a/b/manifests/${image.digest}`, times: 1 });
      await headManifest(open({ auth: { type: 'bearer', token: 'secret-token' } }), 'a/b', 'v1');
      expect(proxy.seen.map((one) => one.headers.authorization)).toEqual(['Bearer secret-token', 'Bearer secret-token']);
    });

    it('go back to the registry once where a signed URL has expired', async () => {
      const storage = await quirkProxy(direct, { rules: [{ times: 1, answer: { status: 403, body: '<Error>expired</Error>' } }] });
      proxy.rules.push({ path: /blobs/, redirectTo: `${storage.url}/v2/a/b/blobs/${digest}?X-Signature=secret` });
      expect(await collect((await readBlob(open(), 'a/b', digest)).stream)).toHaveLength(bytes.length);
      expect([proxy.count(), storage.count()]).toEqual([2, 2]);
    });

    it('say DENIED where it stays so, without the signed URL', async () => {
      const storage = await quirkProxy(direct, { rules: [{ answer: { status: 403, body: `see https://x/y?X-Signature=secret` } }] });
      proxy.rules.push({ path: /blobs/, redirectTo: `${storage.url}/v2/a/b/blobs/${digest}?X-Signature=secret` });
      const failure = await failureOf(readBlob(open(), 'a/b', digest));
      expect(failure).toMatchObject({ code: 'DENIED', status: 403 });
      expect(failure.message).not.toContain('secret');
      expect(storage.count()).toBe(2);
    });

    it('end after five: PROTOCOL', async () => {
      proxy.rules.push({ redirectTo: proxy.url });
      expect(await failureOf(ping(open()))).toMatchObject({ code: 'PROTOCOL' });
      expect(proxy.count()).toBe(6);
    });

    it.each(['ftp://x/y', 'http://', 'file:///etc/passwd'])('do not lead to %s', async (location) => {
      proxy.rules.push({ answer: { status: 307, headers: { location } } });
      expect(await failureOf(ping(open()))).toMatchObject({ code: 'PROTOCOL' });
    });

    it('are not followed for writes', async () => {
      proxy.rules.push({ method: 'POST', answer: { status: 307, headers: { location: '/x' } } });
      expect(await failureOf(startUpload(open(), 'a/b'))).toMatchObject({ code: 'PROTOCOL', status: 307 });
    });
  });

  it('sends no credentials to an upload that lives elsewhere', async () => {
    const storage = await quirkProxy(direct);
    const session = open({ auth: { type: 'bearer', token: 'secret-token' } });
    const upload = await startUpload(session, 'a/elsewhere');
    const moved = { ...upload, location: upload.location.replace(proxy.url, storage.url) };
    await putBlob(session, moved, 'a/elsewhere', blob, pieces(bytes));
    expect(storage.seen[0]).toMatchObject({ method: 'PUT', status: 201, sent: bytes.length });
    expect(storage.seen[0]?.headers.authorization).toBeUndefined();
  });

  describe('a host that is overloaded', () => {
    it.each([429, 503])(
      'and says so once (%i) is asked again when its Retry-After is over, and nobody in this process before',
      async (status) => {
        proxy.rules.push({ times: 1, answer: { status, headers: { 'retry-after': '1' } } });
        const [one, two] = [open(), open()];
        const began = performance.now();
        const first = ping(one);
        await eventuallySeen(proxy, 1);
        await Promise.all([first, ping(two)]);
        expect(performance.now() - began).toBeGreaterThan(900);
        expect(proxy.count()).toBe(3);
      },
    );

    it.each([
      [429, 'RATE_LIMITED', 4],
      [503, 'UNAVAILABLE', 2],
    ])('for longer (%i) is told as %s, after %i tries', async (status, code, tries) => {
      proxy.rules.push({ answer: { status } });
      expect(await failureOf(ping(open()))).toMatchObject({ code, retry: 'now', status });
      expect(proxy.count()).toBe(tries);
    });

    it('and wants a wait of minutes is told as it is', async () => {
      // A server of its own: its silence must not outlast this test.
      const url = await httpServer((_, __, response) => response.writeHead(429, { 'retry-after': '90' }).end());
      expect(await failureOf(ping(testSession(url)))).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 90_000 });
    });

    it('is not asked twice for what may have been done, nor for what cannot be sent twice', async () => {
      const url = await httpServer((at, request, response) => {
        asked.push(`${request.method} ${at.pathname}`);
        request.resume();
        response.writeHead(503).end();
      });
      const asked: string[] = [];
      const session = testSession(url);
      expect(await failureOf(startUpload(session, 'a/b'))).toMatchObject({ code: 'UNAVAILABLE' });
      const upload = { location: `${url}/v2/a/b/blobs/uploads/x`, offset: 0 };
      expect(await failureOf(putBlob(session, upload, 'a/b', blob, pieces(bytes)))).toMatchObject({ code: 'UNAVAILABLE' });
      // In between it asks whether a token is wanted.
      expect(asked).toEqual(['POST /v2/a/b/blobs/uploads/', 'GET /v2/', 'PUT /v2/a/b/blobs/uploads/x']);
    });

    it('does not outlast a cancellation', async () => {
      const url = await httpServer((_, __, response) => response.writeHead(429, { 'retry-after': '30' }).end());
      const began = performance.now();
      expect(await failureOf(ping(testSession(url), AbortSignal.timeout(200)))).toMatchObject({ code: 'CANCELLED', retry: 'never' });
      expect(performance.now() - began).toBeLessThan(10_000);
    });
  });

  describe('stalls', () => {
    const stallMs = 1_500;

    it('of an answer that never begins', async () => {
      proxy.rules.push({ delayMs: 5000 });
      expect(await failureOf(ping(open({ timeouts: { stallMs } })))).toMatchObject({ code: 'STALLED', retry: 'now' });
    });

    it('of a body that stops', async () => {
      proxy.rules.push({ path: /blobs/, stallResponseAfter: 100_000 });
      const { stream } = await readBlob(open({ timeouts: { stallMs } }), 'a/b', digest);
      expect(await failureOf(collect(stream))).toMatchObject({ code: 'STALLED' });
    });

    it('of a registry that takes no more bytes, however long it may digest a large blob', async () => {
      const session = open({ timeouts: { stallMs } });
      const upload = await startUpload(session, 'a/stall');
      proxy.rules.push({ method: 'PUT', stallRequestAfter: 100_000 });
      const size = 20_000_000_000;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) yield bytes;
      }
      const began = performance.now();
      expect(await failureOf(putBlob(session, upload, 'a/stall', { mediaType: '', digest, size }, endless()))).toMatchObject({
        code: 'STALLED',
      });
      expect(performance.now() - began).toBeLessThan(60_000);
    });

    it('are not what a slow reader or a slow source makes', async () => {
      const session = open({ timeouts: { stallMs } });
      const { stream } = await readBlob(session, 'a/b', digest);
      let seen = 0;
      for await (const chunk of stream) {
        if (seen === 0) await new Promise((go) => setTimeout(go, 2 * stallMs));
        seen += chunk.length;
      }
      expect(seen).toBe(bytes.length);
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, 10);
        await new Promise((go) => setTimeout(go, 3 * stallMs));
        yield bytes.subarray(10);
      }
      await putBlob(session, await startUpload(session, 'a/slow'), 'a/slow', blob, slow());
    });

    it('are not what a slow, steady connection is: there is no total timeout', async () => {
      proxy.rules.push({ path: /blobs/, bytesPerSecond: 300_000 });
      const { stream } = await readBlob(open({ timeouts: { stallMs } }), 'a/b', digest);
      expect(await collect(stream)).toHaveLength(bytes.length);
    });
  });

  describe('limits', () => {
    it('keep the requests of all sessions to a host together', async () => {
      let open_ = 0;
      let most = 0;
      const url = await httpServer((_, __, response) => {
        most = Math.max(most, ++open_);
        setTimeout(() => {
          open_ -= 1;
          response.end();
        }, 20);
      });
      const limits = { requests: 3, transfers: 1 };
      const sessions = [testSession(url, { limits }), testSession(url, { limits: { ...limits, requests: 9 } })];
      await Promise.all(Array.from({ length: 20 }, (_, at) => ping(sessions[at % 2] ?? testSession(url))));
      expect(most).toBe(3);
    });

    it('let small requests pass while blobs flow, both ways', async () => {
      const session = open({ limits: { requests: 1, transfers: 1 } });
      const { stream } = await readBlob(session, 'a/b', digest);
      await ping(session);
      async function* reading(): AsyncGenerator<Uint8Array> {
        for await (const chunk of stream) {
          await ping(session);
          yield chunk;
        }
      }
      await putBlob(session, await startUpload(session, 'a/flow'), 'a/flow', blob, reading());
      expect(await proveBlob(session, 'a/flow', blob)).toBe(true);
    });

    it('give transfers their places in turn', async () => {
      const session = open({ limits: { requests: 5, transfers: 1 } });
      const release = await acquireTransfer(session);
      const waiting = acquireTransfer(session);
      expect(await failureOf(acquireTransfer(session, AbortSignal.timeout(50)))).toMatchObject({ code: 'CANCELLED' });
      release();
      release();
      const second = await waiting;
      expect(await failureOf(acquireTransfer(session, AbortSignal.timeout(50)))).toMatchObject({ code: 'CANCELLED' });
      second();
    });

    it('keep blobs below a rate, both ways', async () => {
      const session = open({ limits: { requests: 5, transfers: 2, bytesPerSecond: 1_000_000 } });
      const began = performance.now();
      await collect((await readBlob(session, 'a/b', digest)).stream);
      await putBlob(session, await startUpload(session, 'a/rate'), 'a/rate', blob, pieces(bytes));
      const seconds = (performance.now() - began) / 1000;
      expect(seconds).toBeGreaterThan(1.4);
      expect(seconds).toBeLessThan(60);
    });
  });

  describe('cancellation', () => {
    it('stops a download and an upload at once', async () => {
      const session = open();
      proxy.rules.push({ bytesPerSecond: 50_000 });
      for (const start of [
        async (signal: AbortSignal) => collect((await readBlob(session, 'a/b', digest, { signal })).stream),
        async (signal: AbortSignal) => patchBlob(session, await startUpload(session, 'a/cancel'), pieces(bytes), { signal }),
      ]) {
        const began = performance.now();
        expect(await failureOf(start(AbortSignal.timeout(300)))).toMatchObject({ code: 'CANCELLED' });
        // All of it would take twenty.
        expect(performance.now() - began).toBeLessThan(10_000);
      }
    });

    it('gathers no listeners on a signal that lives long', async () => {
      const { signal } = new AbortController();
      const session = open();
      await Promise.all(Array.from({ length: 40 }, () => headManifest(session, 'a/b', 'v1', signal)));
      await collect((await readBlob(session, 'a/b', digest, { signal })).stream);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
  });

  it('closes a download whose reader turns away before the first byte', async () => {
    let closed = 0;
    const url = await httpServer((_, __, response) => {
      response.on('close', () => (closed += 1));
      response.writeHead(200, { 'content-length': '1000000000' });
      response.write(bytes);
    });
    const { stream } = await readBlob(testSession(url), 'a/b', digest);
    const upload = { location: 'http://127.0.0.1:1/v2/a/b/blobs/uploads/x', offset: 0 };
    expect(await failureOf(putBlob(testSession('http://127.0.0.1:1'), upload, 'a/b', blob, stream))).toMatchObject({ code: 'UNREACHABLE' });
    for (const until = Date.now() + 10_000; closed === 0 && Date.now() < until;) await new Promise((go) => setTimeout(go, 20));
    expect(closed).toBe(1);
  });

  it('tells a break in the middle of a small answer as what it is', async () => {
    proxy.rules.push({ path: /manifests/, cutResponseAfter: 50 });
    expect(await failureOf(getManifest(open(), 'a/b', 'v1'))).toMatchObject({ name: 'RegistryError', code: 'UNREACHABLE', retry: 'now' });
  });

  it('counts requests and bytes, and tells of each request', async () => {
    const told: RequestRecord[] = [];
    const session = testSession(proxy.url, {}, { onRequest: (record) => told.push(record) });
    await collect((await readBlob(session, 'a/b', digest)).stream);
    await putBlob(session, await startUpload(session, 'a/count'), 'a/count', blob, pieces(bytes));
    await putManifest(session, 'a/b', 'v2', {
      mediaType: image.mediaType,
      digest: image.digest as Digest,
      size: image.size,
      bytes: image.bytes,
    });
    expect(session.counters).toMatchObject({ requests: 4, bytesReceived: bytes.length, bytesSent: bytes.length + image.size });
    expect(told.map(({ method, status, side }) => [method, status, side])).toEqual([
      ['GET', 200, 'secondary'],
      ['POST', 202, 'secondary'],
      ['PUT', 201, 'secondary'],
      ['PUT', 201, 'secondary'],
    ]);
  });

  it('says UNREACHABLE of a host that is not there, naming side, site and host', async () => {
    const failure = await failureOf(ping(testSession('http://127.0.0.1:1')));
    expect(failure).toMatchObject({ code: 'UNREACHABLE', retry: 'now', side: 'secondary', host: '127.0.0.1:1', method: 'GET' });
    expect(failure.message).toBe(
      'secondary "eu" (127.0.0.1:1): GET /v2/: the connection was refused (ECONNREFUSED): is the registry running at this address?',
    );
    expect(await failureOf(ping(testSession('http://no-such-host.invalid')))).toMatchObject({ code: 'UNREACHABLE' });
  });

  it('keeps a path prefix, and refuses a name that would leave it', async () => {
    const paths: string[] = [];
    const url = await httpServer((at, _, response) => {
      paths.push(at.pathname);
      response.writeHead(404).end();
    });
    const session = testSession(`${url}/artifactory/docker/`);
    await headManifest(session, 'a/b', 'v1');
    expect(paths).toEqual(['/artifactory/docker/v2/a/b/manifests/v1']);
    expect(await failureOf(headManifest(session, 'a/../../x', 'v1'))).toMatchObject({ code: 'NAME' });
    expect(paths).toHaveLength(1);
  });
});
