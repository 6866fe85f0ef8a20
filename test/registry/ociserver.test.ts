import { describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { proveBlob, readBlob } from '../../src/registry/blobs.ts';
import { listRepositories } from '../../src/registry/catalog.ts';
import { headManifest } from '../../src/registry/manifests.ts';
import { listReferrers } from '../../src/registry/referrers.ts';
import { listTags } from '../../src/registry/tags.ts';
import { finishUpload, patchBlob, postBlob, putBlob, startUpload, uploadStatus } from '../../src/registry/uploads.ts';
import { pushBlob, pushImage, pushReferrer, randomBytes, sha256, TYPES } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { testOciServer } from '../support/oci-server.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { conformance } from './conformance.ts';
import { collect, failureOf, pieces, testSession } from './support/sessions.ts';
import { httpServer } from './support/http-server.ts';

conformance(
  'ociserver',
  async () => {
    const { url } = await testOciServer();
    return { url, session: testSession(url) };
  },
  {
    row: 'oci',
    resume: true,
    deleteTag: true,
    referrers: true,
    singlePost: true,
    // It answers 500 to all that is wrong with a manifest.
    missingBlobs: 'UNAVAILABLE',
    noManifest: 'UNAVAILABLE',
    beyondTheEnd: 'UNAVAILABLE',
    limitsManifests: false,
    deletesTagsOfDigest: false,
    cancelsUploads: false,
    badName: 'NAME_INVALID',
  },
);

const bytes = randomBytes('ociserver', 500_000);
const blob = { mediaType: TYPES.ociLayer, digest: sha256(bytes) as Digest, size: bytes.length };

describe('ociserver', () => {
  it('goes on where a broken PATCH ended, and says where the rest belongs', async () => {
    const proxy = await quirkProxy((await testOciServer()).url);
    const session = testSession(proxy.url);
    const started = await startUpload(session, 'r/patch');
    proxy.rules.push({ method: 'PATCH', cutRequestAfter: 200_000, times: 1 });
    expect(await failureOf(patchBlob(session, started, pieces(bytes)))).toMatchObject({ code: 'UNREACHABLE' });
    const status = await uploadStatus(session, started.location);
    expect(status).toMatchObject({ offset: 200_000 });
    const rest = await patchBlob(session, status ?? started, pieces(bytes.subarray(200_000)), { length: 300_000 });
    await finishUpload(session, rest, blob);
    expect(await proveBlob(session, 'r/patch', blob)).toBe(true);
    cell('oci', 'resume');
  });

  it('lists referrers, all of them or those of a type', async () => {
    const { url } = await testOciServer();
    const image = await pushImage(url, 'app', 'v1');
    const referrers = await Promise.all(
      ['sbom', 'signature'].map((type) => pushReferrer(url, 'app', image, { artifactType: `x/${type}` })),
    );
    const found = await listReferrers(testSession(url), 'app', image.digest as Digest);
    expect(found?.map(({ digest }) => digest).sort()).toEqual(referrers.map(({ digest }) => digest).sort());
  });
});

describe('ociserver, misbehaving', () => {
  it('without a referrers API is known as that', async () => {
    const { url } = await testOciServer({ disableReferrersApi: true });
    const image = await pushImage(url, 'app', 'v1');
    const session = testSession(url);
    expect(await listReferrers(session, 'app', image.digest as Digest)).toBeUndefined();
    expect(session.capabilities.referrers).toBe(false);
  });

  it('opens an upload where a blob is posted whole', async () => {
    const { url } = await testOciServer({ disableSinglePostUpload: true });
    const session = testSession(url);
    const upload = await postBlob(session, 'app', blob, bytes);
    expect(upload).toMatchObject({ offset: 0 });
    if (upload !== 'done') await putBlob(session, upload, 'app', blob, bytes);
    expect(await proveBlob(session, 'app', blob)).toBe(true);
  });

  it('leaves the digest of a tag to be computed', async () => {
    const { url } = await testOciServer({ omitDigestFromTagGet: true });
    const { digest } = await pushImage(url, 'app', 'v1');
    expect(await headManifest(testSession(url), 'app', 'v1')).toMatchObject({ digest });
  });

  it('cuts lists off without a word, and loses nothing by it', async () => {
    const { url } = await testOciServer({ omitLink: true });
    const repositories = Array.from({ length: 5 }, (_, n) => `r${n}`);
    for (const repository of repositories) await pushImage(url, repository, 'v1');
    const session = testSession(url);
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await listRepositories(session, { limit: 2, after });
      found.push(...page.repositories);
      after = page.next;
      if (after === undefined) break;
    }
    expect(found).toEqual(repositories);
  });

  it('refuses to list more than ten at once', async () => {
    const { url } = await testOciServer({ maxListPageSize: 10 });
    const tags = Array.from({ length: 25 }, (_, n) => `v${n}`);
    for (const tag of tags) await pushImage(url, 'app', tag, { label: 'same' });
    expect(await listTags(testSession(url), 'app')).toEqual(tags.sort());
  });

  it('sends readers of blobs elsewhere, and tells that place nothing', async () => {
    const seen: unknown[] = [];
    const elsewhere = await httpServer((_url, request, response) => {
      seen.push(request.headers.authorization, request.headers.cookie);
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    });
    const { url } = await testOciServer({ redirectBlobs: `${elsewhere}/objects/` });
    await pushBlob(url, 'app', bytes, TYPES.ociLayer);
    const session = testSession(url, { auth: { type: 'basic', username: 'me', password: 'secret' } });
    expect(sha256(await collect((await readBlob(session, 'app', blob.digest)).stream))).toBe(blob.digest);
    expect(seen).toEqual([undefined, undefined]);
  });
});
