import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import type { FailureCode } from '../../src/model/failure.ts';
import type { Manifest } from '../../src/model/manifest.ts';
import { DOCKER_LIST, OCI_MANIFEST } from '../../src/model/media-types.ts';
import { headBlob, proveBlob, readBlob } from '../../src/registry/blobs.ts';
import { listRepositories } from '../../src/registry/catalog.ts';
import { deleteManifest, getManifest, headManifest, probeAbsence, putManifest } from '../../src/registry/manifests.ts';
import { ping } from '../../src/registry/ping.ts';
import { listReferrers } from '../../src/registry/referrers.ts';
import type { Session } from '../../src/registry/session.ts';
import { deleteTag, listTags } from '../../src/registry/tags.ts';
import {
  cancelUpload,
  finishUpload,
  mountBlob,
  patchBlob,
  postBlob,
  putBlob,
  startUpload,
  uploadStatus,
} from '../../src/registry/uploads.ts';
import { pushImage, pushIndex, randomBytes, sha256, TYPES, type PushedImage } from '../support/images.ts';
import { cell, type Column } from '../support/matrix.ts';
import { collect, failureOf, pieces } from './support/sessions.ts';

/** What is known to differ between registries. */
export interface Traits {
  /** Of scripts/matrix/rows.json: what is shown here goes into the table of the docs. */
  readonly row?: string;
  readonly resume: boolean;
  readonly deleteTag: boolean;
  readonly referrers: boolean;
  readonly singlePost: boolean;
  /** What a manifest whose blobs are missing is refused with; BLOB_UNKNOWN if absent. */
  readonly missingBlobs?: FailureCode;
  /** What a body that is no manifest of its type is refused with; INVALID if absent. */
  readonly noManifest?: FailureCode;
  /** What reading from beyond a blob's end gives; SIZE_MISMATCH if absent. */
  readonly beyondTheEnd?: FailureCode;
  /** A manifest above 4 MiB is refused, unless this is false. */
  readonly limitsManifests?: boolean;
  /** A deleted manifest takes its tags along; false: they stay, and point nowhere. */
  readonly deletesTagsOfDigest?: boolean;
  /** Uploads can be given up, unless this is false. */
  readonly cancelsUploads?: boolean;
  /** Tags of a repository that never was: absent, unless they are an empty list. */
  readonly unknownIsEmpty?: boolean;
  /** How many requests a read of a blob takes; 1 if absent. */
  readonly requestsPerBlob?: number;
  /** What is said of a repository with a name that no registry takes; a 404 if absent. */
  readonly badName?: string;
}

const ABSENT: Digest = `sha256:${'0'.repeat(64)}`;

/** What every kind of registry must do for us. */
export function conformance(name: string, open: () => Promise<{ session: Session; url: string }>, traits: Traits): void {
  const shows = (column: Column, lacks?: string) => {
    if (traits.row !== undefined) cell(traits.row, column, lacks);
  };
  const limited = traits.limitsManifests ?? true;
  const untags = traits.deletesTagsOfDigest ?? true;
  describe(`${name} conforms`, () => {
    let session: Session;
    let url: string;
    let image: PushedImage;

    beforeAll(async () => {
      ({ session, url } = await open());
      image = await pushImage(url, 'team/app', 'v1', { layers: [5000, 70_000] });
    });

    it('answers a ping', async () => {
      await ping(session);
    });

    describe('manifests', () => {
      it('heads by tag and by digest, and knows what is absent', async () => {
        const expected = { mediaType: OCI_MANIFEST, digest: image.digest, size: image.size };
        expect(await headManifest(session, 'team/app', 'v1')).toEqual(expected);
        expect(await headManifest(session, 'team/app', image.digest)).toEqual(expected);
        expect(await headManifest(session, 'team/app', 'nope')).toBeUndefined();
        expect(await headManifest(session, 'team/nope', 'v1')).toBeUndefined();
      });

      it('gets the bytes as they were pushed', async () => {
        const manifest = await getManifest(session, 'team/app', 'v1');
        expect(manifest?.digest).toBe(image.digest);
        expect(Buffer.from(manifest?.bytes ?? []).equals(image.bytes)).toBe(true);
        expect(await getManifest(session, 'team/app', ABSENT)).toBeUndefined();
      });

      it('gets a Docker list by tag unconverted: the Accept names all types', async () => {
        const list = await pushIndex(url, 'team/list', 'v1', { mediaType: 'docker' });
        const found = await getManifest(session, 'team/list', 'v1');
        expect(found).toMatchObject({ mediaType: DOCKER_LIST, digest: list.digest });
      });

      it('puts by tag and by digest', async () => {
        const manifest = (await getManifest(session, 'team/app', 'v1')) as Manifest;
        expect(await putManifest(session, 'team/app', 'v2', manifest)).toEqual({ subjectSeen: false });
        await putManifest(session, 'team/app', manifest.digest, manifest);
        expect((await headManifest(session, 'team/app', 'v2'))?.digest).toBe(image.digest);
      });

      it("tells a manifest whose blobs are missing: BLOB_UNKNOWN, with the registry's code", async () => {
        const manifest = (await getManifest(session, 'team/app', 'v1')) as Manifest;
        const failure = await failureOf(putManifest(session, 'team/empty', 'v1', manifest));
        const code = traits.missingBlobs ?? 'BLOB_UNKNOWN';
        expect(failure).toMatchObject({ code, side: 'secondary', repository: 'team/empty', method: 'PUT' });
        if (traits.missingBlobs === undefined) expect(failure.codes).toContain('MANIFEST_BLOB_UNKNOWN');
        expect(await headManifest(session, 'team/empty', 'v1')).toBeUndefined();
      });

      it('tells a manifest that the registry never takes: INVALID', async () => {
        const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: DOCKER_LIST, manifests: [] }));
        const junk: Manifest = { mediaType: OCI_MANIFEST, digest: sha256(bytes) as Digest, size: bytes.length, bytes };
        const code = traits.noManifest ?? 'INVALID';
        const retry = code === 'INVALID' ? 'never' : 'now';
        expect(await failureOf(putManifest(session, 'team/app', 'junk', junk))).toMatchObject({ code, retry });
        expect(await headManifest(session, 'team/app', 'junk')).toBeUndefined();
      });

      it(limited ? 'tells a manifest above 4 MiB: TOO_LARGE, though the registry says 400' : 'puts a manifest above 4 MiB', async () => {
        const body = JSON.parse(image.bytes.toString()) as object;
        const bytes = Buffer.from(JSON.stringify({ ...body, annotations: { filler: 'x'.repeat(5 * 1024 * 1024) } }));
        const large: Manifest = { mediaType: OCI_MANIFEST, digest: sha256(bytes) as Digest, size: bytes.length, bytes };
        const putting = putManifest(session, 'team/app', 'large', large);
        if (limited) expect(await failureOf(putting)).toMatchObject({ code: 'TOO_LARGE', status: 400 });
        else await putting;
        expect((await headManifest(session, 'team/app', 'large'))?.digest).toBe(limited ? undefined : large.digest);
      });

      it(untags ? 'deletes by digest, with every tag on it' : 'deletes by digest, and knows a tag that points nowhere', async () => {
        const gone = await pushImage(url, 'team/gone', 'a');
        await pushImage(url, 'team/gone', 'a2', { label: 'team/gone:a' });
        expect(await deleteManifest(session, 'team/gone', gone.digest as Digest)).toBe('deleted');
        if (untags) expect(await headManifest(session, 'team/gone', 'a')).toBeUndefined();
        expect(await getManifest(session, 'team/gone', 'a')).toBeUndefined();
        expect(await getManifest(session, 'team/gone', gone.digest)).toBeUndefined();
        expect(await deleteManifest(session, 'team/gone', gone.digest as Digest)).toBe('absent');
      });

      it('probes absence with the code as evidence', async () => {
        expect(await probeAbsence(session, 'team/app', 'nope')).toEqual({ absent: true, code: 'MANIFEST_UNKNOWN' });
        expect(await probeAbsence(session, 'team/app', 'v1')).toMatchObject({ absent: false, digest: image.digest });
        expect(await probeAbsence(session, 'Team/APP', 'v1')).toMatchObject({
          absent: false,
          reason: expect.stringContaining(traits.badName ?? '404'),
        });
      });
    });

    describe('tags', () => {
      it('lists all, sorted, each once; undefined for an unknown repository', async () => {
        await pushImage(url, 'team/tags', 'b', { label: 'same' });
        const bytes = (await getManifest(session, 'team/tags', 'b')) as Manifest;
        const names = ['b', 'a', 'B', '_x', 'a.1', 'a-1', ...Array.from({ length: 60 }, (_, at) => `n${at}`)];
        for (const tag of names) await putManifest(session, 'team/tags', tag, bytes);
        expect(await listTags(session, 'team/tags')).toEqual([...names].sort());
        expect(await listTags(session, 'team/never')).toEqual(traits.unknownIsEmpty ? [] : undefined);
      });

      it('lists a repository whose tags are all gone as empty', async () => {
        const only = await pushImage(url, 'team/hollow', 'only');
        if (!untags) await deleteTag(session, 'team/hollow', 'only');
        await deleteManifest(session, 'team/hollow', only.digest as Digest);
        expect(await listTags(session, 'team/hollow')).toEqual([]);
      });

      it(traits.deleteTag ? 'deletes one tag and leaves its sibling' : 'says that it cannot delete one tag alone', async () => {
        const kept = await pushImage(url, 'team/untag', 'a', { label: 'untag' });
        await putManifest(session, 'team/untag', 'b', (await getManifest(session, 'team/untag', 'a')) as Manifest);
        expect(await deleteTag(session, 'team/untag', 'b')).toBe(traits.deleteTag ? 'deleted' : 'unsupported');
        expect((await headManifest(session, 'team/untag', 'a'))?.digest).toBe(kept.digest);
        expect(await headManifest(session, 'team/untag', 'b')).toEqual(traits.deleteTag ? undefined : expect.anything());
        expect(session.capabilities.deleteTag).toBe(traits.deleteTag);
        if (traits.deleteTag) expect(await deleteTag(session, 'team/untag', 'b')).toBe('absent');
        if (traits.deleteTag) shows('delete');
      });
    });

    it('pages the catalog without loss', async () => {
      const found: string[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const page = await listRepositories(session, { limit: 2, after });
        expect(page.repositories.length).toBeLessThanOrEqual(2);
        found.push(...page.repositories);
        after = page.next;
        pages += 1;
      } while (after !== undefined && pages < 50);
      const all = await listRepositories(session, { limit: 1000 });
      expect(all.next).toBeUndefined();
      expect(found).toEqual(all.repositories);
      expect(found).toContain('team/app');
      expect(pages).toBeGreaterThan(2);
      shows('list');
    });

    it('knows whether there is a referrers API', async () => {
      expect(await listReferrers(session, 'team/app', image.digest as Digest)).toEqual(traits.referrers ? [] : undefined);
      expect(session.capabilities.referrers).toBe(traits.referrers);
      shows('referrers', traits.referrers ? undefined : 'by fallback tag');
    });

    describe('blobs', () => {
      it('heads', async () => {
        const digest = image.layers[1]?.digest as Digest;
        expect(await headBlob(session, 'team/app', digest)).toMatchObject({ digest, size: 70_000 });
        expect(await headBlob(session, 'team/app', ABSENT)).toBeUndefined();
      });

      it('reads from any offset', async () => {
        const { digest } = image.layers[1] ?? { digest: ABSENT };
        const whole = await collect((await readBlob(session, 'team/app', digest as Digest)).stream);
        expect(sha256(whole)).toBe(digest);
        const part = await readBlob(session, 'team/app', digest as Digest, { offset: 69_000 });
        expect(part).toMatchObject({ offset: 69_000, size: 70_000 });
        expect((await collect(part.stream)).equals(whole.subarray(69_000))).toBe(true);
      });

      it('reads nothing from the end on, and refuses an offset beyond', async () => {
        const digest = image.layers[1]?.digest as Digest;
        const end = await readBlob(session, 'team/app', digest, { offset: 70_000 });
        expect(await collect(end.stream)).toHaveLength(0);
        expect(await failureOf(readBlob(session, 'team/app', digest, { offset: 70_001 }))).toMatchObject({
          code: traits.beyondTheEnd ?? 'SIZE_MISMATCH',
        });
        expect(await failureOf(readBlob(session, 'team/app', ABSENT))).toMatchObject({ code: 'NOT_FOUND' });
      });

      it('proves presence by the last byte and the size', async () => {
        const layer = { mediaType: '', digest: image.layers[1]?.digest as Digest, size: 70_000 };
        const before = session.counters.requests;
        expect(await proveBlob(session, 'team/app', layer)).toBe(true);
        expect(session.counters.requests - before).toBe(traits.requestsPerBlob ?? 1);
        expect(await proveBlob(session, 'team/app', { ...layer, size: 69_999 })).toBe(false);
        expect(await proveBlob(session, 'team/app', { ...layer, size: 70_001 })).toBe(false);
        expect(await proveBlob(session, 'team/app', { ...layer, digest: ABSENT })).toBe(false);
        expect(await proveBlob(session, 'team/never', layer)).toBe(false);
      });
    });

    describe('uploads', () => {
      const blobOf = (seed: string, size: number) => {
        const bytes = randomBytes(`${name}/${seed}`, size);
        return { bytes, blob: { mediaType: TYPES.ociLayer, digest: sha256(bytes) as Digest, size } };
      };
      const proved = (repository: string, blob: { mediaType: string; digest: Digest; size: number }) =>
        proveBlob(session, repository, blob);

      it.each([
        ['whole', 300_000],
        ['of one byte', 1],
        ['empty', 0],
      ])('puts a blob %s', async (seed, size) => {
        const { bytes, blob } = blobOf(seed, size);
        await putBlob(session, await startUpload(session, 'up/put'), 'up/put', blob, pieces(bytes));
        expect(await proved('up/put', blob)).toBe(true);
        expect(await headBlob(session, 'up/put', blob.digest)).toMatchObject({ size });
      });

      it('puts a blob from memory', async () => {
        const { bytes, blob } = blobOf('memory', 1000);
        await putBlob(session, await startUpload(session, 'up/put'), 'up/put', blob, bytes);
        expect(await proved('up/put', blob)).toBe(true);
      });

      it(`posts a blob in a single request: ${traits.singlePost ? 'done' : 'an upload instead'}`, async () => {
        const { bytes, blob } = blobOf('post', 1000);
        const result = await postBlob(session, 'up/post', blob, bytes);
        expect(session.capabilities.singlePost).toBe(traits.singlePost);
        if (result !== 'done') await putBlob(session, result, 'up/post', blob, bytes);
        expect(await proved('up/post', blob)).toBe(true);
      });

      it('mounts, and opens an upload where there is nothing to mount', async () => {
        const { bytes, blob } = blobOf('mount', 1000);
        await putBlob(session, await startUpload(session, 'up/from'), 'up/from', blob, bytes);
        expect(await mountBlob(session, 'up/to', blob.digest, 'up/from')).toBe('mounted');
        expect(await proved('up/to', blob)).toBe(true);
        const missed = await mountBlob(session, 'up/to', ABSENT, 'up/from');
        expect(missed).toMatchObject({ offset: 0 });
        if (missed !== 'mounted') await cancelUpload(session, missed.location);
        shows('mount');
      });

      it('sends in parts that end early and cleanly, on any registry', async () => {
        const { bytes, blob } = blobOf('parts', 200_000);
        let upload = await startUpload(session, 'up/parts');
        upload = await patchBlob(session, upload, pieces(bytes.subarray(0, 77_777)));
        expect(upload.offset).toBe(77_777);
        upload = await patchBlob(session, upload, pieces(bytes.subarray(77_777)), { length: 200_000 - 77_777 });
        expect(upload.offset).toBe(200_000);
        await finishUpload(session, upload, blob);
        expect(await proved('up/parts', blob)).toBe(true);
      });

      it('goes on after a part of one byte, which the registry cannot tell from none', async () => {
        const { bytes, blob } = blobOf('one', 10);
        const upload = await patchBlob(session, await startUpload(session, 'up/parts'), pieces(bytes.subarray(0, 1)));
        expect(upload.offset).toBe(1);
        const asked = await uploadStatus(session, upload.location);
        expect(asked).toMatchObject({ offset: 0, ambiguous: true });
        expect(await failureOf(putBlob(session, asked ?? upload, 'up/parts', blob, bytes))).toMatchObject({
          code: 'UPLOAD_LOST',
          retry: 'now',
        });
        await putBlob(session, { ...upload, location: asked?.location ?? '' }, 'up/parts', blob, bytes.subarray(1));
        expect(await proved('up/parts', blob)).toBe(true);
      });

      it('ends an upload from a later process by its status', async () => {
        const { bytes, blob } = blobOf('later', 50_000);
        const first = await patchBlob(session, await startUpload(session, 'up/parts'), pieces(bytes.subarray(0, 20_000)));
        const asked = await uploadStatus(session, first.location);
        expect(asked).toMatchObject({ offset: 20_000 });
        await putBlob(session, asked ?? first, 'up/parts', blob, pieces(bytes.subarray(20_000)));
        expect(await proved('up/parts', blob)).toBe(true);
      });

      it('notices bytes that are not what the digest says, and a body of another size', async () => {
        const { blob } = blobOf('wrong', 1000);
        const wrong = randomBytes('other', 1000);
        expect(await failureOf(putBlob(session, await startUpload(session, 'up/put'), 'up/put', blob, wrong))).toMatchObject({
          code: 'DIGEST_MISMATCH',
          codes: expect.arrayContaining(['DIGEST_INVALID']),
        });
        const short = await startUpload(session, 'up/put');
        expect(await failureOf(putBlob(session, short, 'up/put', blob, pieces(wrong.subarray(1))))).toMatchObject({
          code: 'SIZE_MISMATCH',
        });
        expect(await failureOf(putBlob(session, short, 'up/put', blob, wrong.subarray(1)))).toMatchObject({ code: 'SIZE_MISMATCH' });
        expect(await headBlob(session, 'up/put', blob.digest)).toBeUndefined();
      });

      it('cancels, also by a location that is no longer the newest where the registry tells the newest', async () => {
        const started = await startUpload(session, 'up/cancel');
        const moved = await patchBlob(session, started, pieces(randomBytes('cancel', 5000)));
        await cancelUpload(session, started.location);
        if (traits.cancelsUploads === false) return;
        // Distribution 2 answers 404 to whatever an old location asks.
        if (traits.resume) expect(await uploadStatus(session, moved.location)).toBeUndefined();
        await cancelUpload(session, moved.location);
        expect(await uploadStatus(session, moved.location)).toBeUndefined();
        await cancelUpload(session, moved.location);
        const fresh = await startUpload(session, 'up/cancel');
        await cancelUpload(session, fresh.location);
        expect(await uploadStatus(session, fresh.location)).toBeUndefined();
        expect(await failureOf(patchBlob(session, fresh, pieces(randomBytes('cancel', 10))))).toMatchObject({ code: 'UPLOAD_LOST' });
      });
    });
  });
}
