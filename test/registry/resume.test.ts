import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { TwinportError } from '../../src/model/failure.ts';
import { proveBlob, readBlob } from '../../src/registry/blobs.ts';
import { finishUpload, patchBlob, putBlob, startUpload, uploadStatus } from '../../src/registry/uploads.ts';
import { pushBlob, randomBytes, sha256 } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { collect, failureOf, pieces, testSession } from './support/sessions.ts';

const SIZE = 1_000_000;
const bytes = randomBytes('resume', SIZE);
const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: SIZE };

describe.each([2, 3] as const)('broken transfers on Distribution %i', (version) => {
  let proxy: QuirkProxy;
  let direct: string;
  beforeAll(async () => {
    direct = (await testRegistry({ version })).url;
    proxy = await quirkProxy(direct);
  });

  it(version === 3 ? 'goes on where a broken PATCH ended' : 'begins anew after a broken PATCH', async () => {
    proxy.reset();
    const session = testSession(proxy.url);
    const started = await startUpload(session, 'r/patch');
    proxy.rules.push({ method: 'PATCH', cutRequestAfter: 400_000, times: 1 });
    expect(await failureOf(patchBlob(session, started, pieces(bytes)))).toMatchObject({ code: 'UNREACHABLE', retry: 'now' });
    const status = await uploadStatus(session, started.location);
    if (version === 2) {
      expect(status).toBeUndefined();
      expect(await failureOf(patchBlob(session, started, pieces(bytes)))).toMatchObject({ code: 'UPLOAD_LOST', retry: 'now' });
      return cell('distribution-2', 'resume', 'sent again');
    }
    expect(status).toMatchObject({ offset: 400_000 });
    expect(await failureOf(patchBlob(session, started, pieces(bytes)))).toMatchObject({ code: 'UPLOAD_LOST', status: 416 });
    const rest = await patchBlob(session, status ?? started, pieces(bytes.subarray(400_000)), { length: 600_000 });
    await finishUpload(session, rest, blob);
    expect(await proveBlob(session, 'r/patch', blob)).toBe(true);
    cell('distribution-3', 'resume');
  });

  it(version === 3 ? 'goes on where a broken whole PUT ended' : 'loses a broken whole PUT', async () => {
    proxy.reset();
    const session = testSession(proxy.url);
    const started = await startUpload(session, 'r/put');
    proxy.rules.push({ method: 'PUT', cutRequestAfter: 300_000, times: 1 });
    expect(await failureOf(putBlob(session, started, 'r/put', blob, pieces(bytes)))).toMatchObject({ code: 'UNREACHABLE' });
    const status = await uploadStatus(session, started.location);
    if (version === 2) return expect(status).toBeUndefined();
    expect(status).toMatchObject({ offset: 300_000 });
    const before = proxy.bytes('sent');
    await putBlob(session, status ?? started, 'r/put', blob, pieces(bytes.subarray(300_000)));
    expect(proxy.bytes('sent') - before).toBe(700_000);
    expect(await proveBlob(session, 'r/put', blob)).toBe(true);
  });

  it('takes 500 to a question about an upload for "begin anew", as of Distribution 3 on S3', async () => {
    proxy.reset();
    const session = testSession(proxy.url);
    const started = await startUpload(session, 'r/status');
    proxy.rules.push({ method: 'GET', path: /uploads/, answer: { status: 500, body: '{"errors":[{"code":"UNKNOWN"}]}' } });
    expect(await uploadStatus(session, started.location)).toBeUndefined();
  });

  it('reports what broke the source, not the request that it broke', async () => {
    const session = testSession(proxy.url);
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield bytes.subarray(0, 100_000);
        throw new TwinportError('STALLED', 'the primary hangs');
      } finally {
        closed = true;
      }
    }
    expect(await failureOf(putBlob(session, await startUpload(session, 'r/source'), 'r/source', blob, source()))).toMatchObject({
      code: 'STALLED',
      message: 'the primary hangs',
    });
    expect(closed).toBe(true);
  });

  it('lets go of the source when the registry answers early', async () => {
    proxy.reset();
    const session = testSession(proxy.url);
    const upload = await startUpload(session, 'r/early');
    proxy.rules.push({ method: 'PUT', answer: { status: 507, body: 'no space left on device' } });
    const watched = { closed: false };
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* pieces(bytes);
      } finally {
        watched.closed = true;
      }
    }
    expect(await failureOf(putBlob(session, upload, 'r/early', blob, source()))).toMatchObject({ code: 'QUOTA', retry: 'never' });
    await new Promise((go) => setTimeout(go, 50));
    expect(watched.closed).toBe(true);
  });

  it('reads on from the byte where a download broke', async () => {
    proxy.reset();
    await pushBlob(direct, 'r/read', bytes, 'x');
    const session = testSession(proxy.url);
    proxy.rules.push({ path: /blobs/, cutResponseAfter: 333_333, times: 1 });
    const first: Uint8Array[] = [];
    const { stream, size } = await readBlob(session, 'r/read', blob.digest);
    const failure = await failureOf(
      (async () => {
        for await (const chunk of stream) first.push(chunk);
      })(),
    );
    expect(failure).toMatchObject({ code: 'UNREACHABLE', retry: 'now', side: 'secondary' });
    expect(size).toBe(SIZE);
    const got = Buffer.concat(first);
    expect(got).toHaveLength(333_333);
    const rest = await collect((await readBlob(session, 'r/read', blob.digest, { offset: got.length })).stream);
    expect(sha256(Buffer.concat([got, rest]))).toBe(blob.digest);
    expect(proxy.bytes('received', 'GET', /blobs/)).toBe(SIZE);
  });

  it('drops the bytes before the offset where a registry does not obey ranges', async () => {
    proxy.reset();
    await pushBlob(direct, 'r/read', bytes, 'x');
    proxy.rules.push({ path: /blobs/, status: 200, when: (request) => delete request.headers.range });
    const session = testSession(proxy.url);
    const { stream, offset } = await readBlob(session, 'r/read', blob.digest, { offset: 250_001 });
    expect(offset).toBe(250_001);
    expect((await collect(stream)).equals(bytes.subarray(250_001))).toBe(true);
  });

  it('notices a body of another length than announced', async () => {
    proxy.reset();
    await pushBlob(direct, 'r/read', bytes, 'x');
    proxy.rules.push({ path: /blobs/, dropHeaders: ['content-length'] });
    expect(await failureOf(readBlob(testSession(proxy.url), 'r/read', blob.digest))).toMatchObject({ code: 'PROTOCOL' });
    proxy.reset();
    proxy.rules.push({ path: /blobs/, setHeaders: { 'content-range': `bytes 5-${SIZE - 1}/${SIZE + 5}` } });
    const { stream } = await readBlob(testSession(proxy.url), 'r/read', blob.digest, { offset: 5 });
    expect(await failureOf(collect(stream))).toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  it('takes 201 and 204 for a PATCH, relative locations, and follows a lesser Range', async () => {
    proxy.reset();
    const session = testSession(proxy.url);
    for (const status of [201, 204]) {
      const upload = await startUpload(session, 'r/odd');
      proxy.rules.splice(0, 1, { method: 'PATCH', status, setHeaders: { range: '0-9' } });
      expect((await patchBlob(session, upload, pieces(bytes))).offset).toBe(10);
    }
    proxy.rules.splice(0, 1, { method: 'PATCH', setHeaders: { range: '0-0' } });
    expect(await failureOf(patchBlob(session, await startUpload(session, 'r/odd'), pieces(bytes)))).toMatchObject({ code: 'UPLOAD_LOST' });
    proxy.rules.splice(0, 1, {
      method: 'POST',
      setHeaders: { location: '/v2/r/odd/blobs/uploads/x?_state=a%2Fb', 'oci-chunk-min-length': '5000' },
    });
    expect(await startUpload(session, 'r/odd')).toEqual({
      location: `${proxy.url}/v2/r/odd/blobs/uploads/x?_state=a%2Fb`,
      offset: 0,
      minChunk: 5000,
    });
  });
});
