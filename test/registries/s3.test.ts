import { beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../src/model/digest.ts';
import { proveBlob, readBlob } from '../../src/registry/blobs.ts';
import { listTags } from '../../src/registry/tags.ts';
import { patchBlob, putBlob, startUpload, uploadStatus } from '../../src/registry/uploads.ts';
import { conformance } from '../registry/conformance.ts';
import { makeKeyPair } from '../registry/support/keys.ts';
import { collect, failureOf, pieces, testSession } from '../registry/support/sessions.ts';
import { replicate, sitePair } from '../replication/pair.ts';
import { describeWith } from '../support/clients.ts';
import { pushBlob, pushImage, randomBytes, sha256, TYPES } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { TEST_USER, testRegistry } from '../support/registries.ts';
import { onS3, testS3 } from '../support/s3.ts';
import { difference, walk } from '../support/walk.ts';

describeWith(['versitygw'], 'Distribution 3 on S3', () => {
  conformance(
    'it',
    async () => {
      const { url } = await testRegistry(onS3(await testS3()));
      return { url, session: testSession(url, { kind: 'distribution' }) };
    },
    {
      row: 'distribution-3-s3',
      resume: true,
      deleteTag: true,
      referrers: false,
      singlePost: false,
      unknownIsEmpty: true,
      // Each read is redirected.
      requestsPerBlob: 2,
    },
  );

  let store: QuirkProxy;
  let url: string;
  beforeAll(async () => {
    store = await quirkProxy(await testS3());
    url = (await testRegistry(onS3(store.url))).url;
  });

  it('answers GET and HEAD of a blob with 307, and both are followed', async () => {
    const bytes = randomBytes('s3', 70_000);
    const { digest } = await pushBlob(url, 'app', bytes, TYPES.ociLayer);
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(`${url}/v2/app/blobs/${digest}`, { method, redirect: 'manual' });
      expect([answer.status, new URL(answer.headers.get('location') ?? '').origin]).toEqual([307, store.url]);
    }
    const session = testSession(url);
    const blob = { mediaType: '', digest: digest as Digest, size: 70_000 };
    expect(await proveBlob(session, 'app', blob)).toBe(true);
    const part = await readBlob(session, 'app', blob.digest, { offset: 60_000 });
    expect((await collect(part.stream)).equals(Buffer.from(bytes).subarray(60_000))).toBe(true);
  });

  it('may forget bytes that it acknowledged: the upload goes on where the registry says, or begins anew', async () => {
    const proxy = await quirkProxy(url);
    const session = testSession(proxy.url);
    const bytes = randomBytes('lossy', 300_000);
    const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: bytes.length };
    const started = await startUpload(session, 'lossy');
    const first = await patchBlob(session, started, pieces(bytes.subarray(0, 50_000)));
    expect(first.offset).toBe(50_000);
    proxy.rules.push({ method: 'PATCH', cutRequestAfter: 100_000, times: 1 });
    expect(await failureOf(patchBlob(session, first, pieces(bytes.subarray(50_000))))).toMatchObject({ code: 'UNREACHABLE' });
    const status = await uploadStatus(session, first.location);
    const offset = status?.offset ?? 0;
    process.stderr.write(`after a broken PATCH over S3: 50,000 bytes acknowledged, 150,000 sent, the registry says ${offset}\n`);
    const upload = status !== undefined && offset > 0 ? status : await startUpload(session, 'lossy');
    await putBlob(session, upload, 'lossy', blob, pieces(bytes.subarray(upload.offset)));
    expect(await proveBlob(session, 'lossy', blob)).toBe(true);
    cell('distribution-3-s3', 'resume', ...(offset > 0 ? [] : ['sent again']));
  });

  it('lists an unknown repository as an empty one', async () => {
    expect(await listTags(testSession(url), 'never/was')).toEqual([]);
  });

  it('is a primary and a secondary', async () => {
    const other = (await testRegistry({ version: 3 })).url;
    await pushImage(url, 'pair', 'v1', { layers: [1_000, 6_000_000] });
    for (const [from, to] of [
      [url, other],
      [other, url],
    ] as const) {
      if (from === other) await pushImage(other, 'back', 'v1', { layers: [1_000, 6_000_000] });
      const repository = from === url ? 'pair' : 'back';
      const { published } = await replicate(sitePair(from, to), repository);
      expect(published.map(({ state }) => state)).toEqual(['verified']);
      const options = { repositories: [repository] };
      expect(difference(await walk(from, options), await walk(to, options))).toEqual([]);
    }
    cell('distribution-3-s3', 'copy');
  });
});

describeWith(['versitygw'], 'a primary with a password and client certificates, on S3', () => {
  it('is read with both, and the object store sees no Authorization, no cookie and no certificate', async () => {
    const ca = makeKeyPair('p256', { name: 'our authority' });
    const [server, client] = [
      makeKeyPair('p256', { name: 'registry', san: 'IP:127.0.0.1', ca }),
      makeKeyPair('p256', { name: 'worker', ca }),
    ];
    const shown: unknown[] = [];
    const store = await quirkProxy(await testS3(), {
      tls: { key: server.key, cert: server.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
      rules: [
        {
          onRequest: ({ socket }) =>
            shown.push((socket as unknown as { getPeerCertificate(): { subject?: unknown } }).getPeerCertificate().subject),
        },
      ],
    });
    const dir = await mkdtemp(join(tmpdir(), 'twinport-s3-tls-'));
    try {
      const file = async (name: string, text: string) => {
        await writeFile(join(dir, name), text);
        return join(dir, name);
      };
      const tls = {
        certificate: await file('cert', server.cert),
        key: await file('key', server.key),
        clientcas: [await file('ca', ca.cert)],
      };
      const { extra } = onS3(store.url);
      const auth = { type: 'htpasswd', users: [TEST_USER.line] } as const;
      const registry = await testRegistry({
        version: 3,
        auth,
        extra: { ...extra, http: { tls, headers: { 'Set-Cookie': ['session=secret'] } } },
      });
      const session = testSession(registry.url.replace('http:', 'https:'), {
        auth: { type: 'basic', username: TEST_USER.username, password: TEST_USER.password },
        tls: { ca: ca.cert, cert: client.cert, key: client.key },
      });
      const bytes = randomBytes('secret', 100_000);
      const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: bytes.length };
      await putBlob(session, await startUpload(session, 'app'), 'app', blob, bytes);
      [store.seen.length, shown.length] = [0, 0];

      expect(sha256(await collect((await readBlob(session, 'app', blob.digest)).stream))).toBe(blob.digest);
      expect(await proveBlob(session, 'app', blob)).toBe(true);

      // The registry looks its objects up for itself, signed by a header; a reader is known by the signature in the query.
      const read = store.seen
        .map((request, at) => ({ request, certificate: shown[at] }))
        .filter(({ request }) => request.path.includes('X-Amz-Signature'));
      expect(read.length).toBeGreaterThanOrEqual(2);
      for (const { request, certificate } of read) {
        expect(request.headers).not.toHaveProperty('authorization');
        expect(request.headers).not.toHaveProperty('cookie');
        expect(certificate).toBeUndefined();
      }
      cell('distribution-3-s3', 'auth');
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
