import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { isTwinportError } from '../../src/model/failure.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { copyBlobs } from '../../src/replication/copy-blobs.ts';
import { deleteTags } from '../../src/replication/delete-tags.ts';
import { startUpload } from '../../src/registry/uploads.ts';
import { pushImage, pushIndex, randomBytes, type PushedImage } from '../support/images.ts';
import { testOciServer } from '../support/oci-server.ts';
import { POLICY } from '../support/policy.ts';
import { quirkProxy, type QuirkProxy, type QuirkRule } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { difference, walk } from '../support/walk.ts';
import { replicate, route, sitePair } from './pair.ts';

const ANY_TAG = /\/manifests\/v\d/;
const BLOBS = /\/blobs\/sha256:/;
const UPLOADS = /\/blobs\/uploads\//;
const TAGS = /\/tags\/list/;

/** A body of the same length and other bytes. */
const garbled = (bytes: Buffer): Uint8Array => randomBytes('garbled', bytes.length);
const stored = (status: number): NonNullable<QuirkRule['answer']> => ({ status, headers: { location: '/v2/x' } });

interface Row {
  readonly rules: readonly QuirkRule[];
  /** `verified`: the slow sure way; else the code of the clear failure. */
  readonly ends: 'verified' | readonly string[];
  readonly depth?: 'deep';
}

/** What a secondary may do, and how a sync to it ends. */
const ROWS: Record<string, Row> = {
  'keeps no blob, and says 201 to it': {
    rules: [
      { method: 'PUT', path: UPLOADS, answer: stored(201) },
      { method: 'POST', path: /digest=/, answer: stored(201) },
    ],
    ends: ['DIGEST_MISMATCH'],
  },
  'serves a blob cut short': {
    rules: [{ method: 'GET', path: BLOBS, body: (bytes) => bytes.subarray(1), status: 200 }],
    ends: ['DIGEST_MISMATCH'],
  },
  'serves other bytes for a blob (deep)': {
    // The last byte and the length are right: only who reads all of it finds out.
    rules: [{ method: 'GET', path: BLOBS, when: ({ headers }) => headers.range === undefined, body: garbled }],
    ends: ['DIGEST_MISMATCH'],
    depth: 'deep',
  },
  'says that it stored a blob as something else': {
    rules: [{ method: 'PUT', path: UPLOADS, setHeaders: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } }],
    ends: ['DIGEST_MISMATCH'],
  },
  'keeps other bytes of a manifest, and says 201 to it': {
    rules: [{ method: 'GET', path: ANY_TAG, body: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) }],
    ends: ['DIGEST_MISMATCH'],
  },
  'keeps other bytes of a manifest, and tells no digest': {
    rules: [
      { method: 'GET', path: ANY_TAG, dropHeaders: ['docker-content-digest'], body: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) },
    ],
    ends: ['DIGEST_MISMATCH'],
  },
  'serves a manifest as another type': {
    rules: [{ method: 'GET', path: ANY_TAG, setHeaders: { 'content-type': 'application/vnd.docker.distribution.manifest.v2+json' } }],
    ends: ['DIGEST_MISMATCH'],
  },
  'keeps no manifest, and says 201 to it': {
    rules: [{ method: 'PUT', path: /\/manifests\//, answer: stored(201) }],
    ends: ['DIGEST_MISMATCH'],
  },
  'tells no digest, of anything': { rules: [{ dropHeaders: ['docker-content-digest'] }], ends: 'verified' },
  'tells a wrong digest of every manifest that it is asked for by HEAD': {
    rules: [{ method: 'HEAD', path: /\/manifests\//, setHeaders: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } }],
    ends: 'verified',
  },
  'has no list of tags (404 of its router)': {
    rules: [{ path: TAGS, answer: { status: 404, body: '404 page not found' } }],
    ends: 'verified',
  },
  'has no list of tags (405)': { rules: [{ path: TAGS, answer: { status: 405 } }], ends: 'verified' },
  'answers with a page for people instead of a list of tags': {
    rules: [{ path: TAGS, answer: { status: 200, body: '<html>' } }],
    ends: 'verified',
  },
  'lists no tags, whatever there is': {
    rules: [{ path: TAGS, answer: { status: 200, body: '{"name":"x","tags":[]}' } }],
    ends: 'verified',
  },
  'cuts its list of tags without a Link': {
    rules: [
      {
        path: TAGS,
        dropHeaders: ['link'],
        answer: { status: 200, body: JSON.stringify({ tags: Array.from({ length: 50 }, (_, n) => `x${n}`) }) },
      },
    ],
    ends: 'verified',
  },
  'links to the next page at another host': {
    rules: [
      { path: /last=/, answer: { status: 200, body: '{"tags":["v1"]}' } },
      {
        path: TAGS,
        answer: { status: 200, headers: { link: '<http://127.0.0.1:1/v2/x/tags/list?last=a&n=1>; rel="next"' }, body: '{"tags":["a"]}' },
      },
    ],
    ends: 'verified',
  },
  'says one byte less than an upload has': {
    rules: [{ method: 'PATCH', path: UPLOADS, setHeaders: { range: '0-5999998' } }],
    ends: ['UPLOAD_LOST', 'verified'],
  },
  'says one byte more than an upload has': {
    rules: [{ method: 'PATCH', path: UPLOADS, setHeaders: { range: '0-6000000' } }],
    ends: 'verified',
  },
  'knows no Range': { rules: [{ method: 'GET', path: BLOBS, setHeaders: { 'accept-ranges': 'none' }, when: dropRange }], ends: 'verified' },
};

/** The registry behind never sees what is asked of it. */
function dropRange(request: { headers: { range?: string | undefined } }): boolean {
  delete request.headers.range;
  return true;
}

describe('a secondary that is not to be trusted', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let proxy: QuirkProxy;
  let repository: string;
  let image: PushedImage;
  let count = 0;

  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
    proxy = await quirkProxy(secondary.url);
  });
  beforeEach(async () => {
    proxy.reset();
    repository = `row${++count}`;
    // One blob that is posted whole, one in one PUT, one in a PATCH.
    image = await pushImage(primary.url, repository, 'v1', { layers: [1_000, 100_000, { seed: repository, size: 6_000_000 }] });
    await pushIndex(primary.url, repository, 'v2', { children: [image] });
  });

  const sync = async (depth?: 'deep'): Promise<string> => {
    const site = sitePair(primary.url, proxy.url);
    try {
      const { published, copied } = await replicate(site, repository, depth ? { depth } : {});
      const failures = [...(copied?.failures ?? []), ...published].map(({ failure }) => failure).filter((failure) => failure !== undefined);
      if (failures[0]) return failures[0].code;
      return published.every(({ state }) => state === 'verified') && published.length === 2 ? 'verified' : 'unsettled';
    } catch (thrown) {
      if (isTwinportError(thrown)) return thrown.code;
      throw thrown;
    }
  };
  /** What is really there, asked of the registry itself by code that shares nothing with the program. */
  const really = async (): Promise<string[]> => {
    const only = { repositories: [repository] };
    const [from, to] = await Promise.all([walk(primary.url, only), walk(secondary.url, only)]);
    return difference(from, to);
  };

  it.each(Object.entries(ROWS))('that %s', async (_, { rules, ends, depth }) => {
    for (const rule of rules) proxy.rules.push({ ...rule });
    const end = await sync(depth);
    expect(ends === 'verified' ? ['verified'] : ends).toContain(end);
    if (end === 'verified') expect(await really()).toEqual([]);
    proxy.reset();
    // Once it behaves, all is well, whatever it did before.
    expect(await sync('deep')).toBe('verified');
    expect(await really()).toEqual([]);
  });

  it('that cannot say where an upload stands (400) has the blob sent anew', async () => {
    const site = sitePair(primary.url, proxy.url);
    const opened = await startUpload(site.secondary, repository);
    proxy.rules.push({ method: 'GET', path: UPLOADS, answer: { status: 400, body: '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}' } });
    const [, , large] = image.layers;
    const blob = { mediaType: '', digest: (large?.digest ?? '') as Digest, size: large?.size ?? 0 };
    const earlier = {
      uploads: [{ digest: blob.digest, location: opened.location, offset: 1_000 }],
      bytes: 0,
      copied: 0,
      mounted: 0,
      progressAttempt: 0,
    };
    const copied = await copyBlobs(route(site, repository), [blob], {
      earlier,
      attempt: 2,
      onProgress: () => undefined,
      ended: () => 'cancelled',
      depth: 'deep',
    });
    expect(copied).toMatchObject({ copied: 1, resumedBytes: 0, failures: [] });
  });

  it('that gives no list of tags is compared tag by tag, and it is said that its own are not known', async () => {
    const site = sitePair(primary.url, proxy.url);
    await replicate(site, repository);
    await pushImage(secondary.url, repository, 'foreign');
    const listed = await compareRepository(route(site, repository), POLICY, undefined, 100);
    expect(listed).toMatchObject({
      extra: ['foreign'],
      tags: [
        { tag: 'v1', same: true },
        { tag: 'v2', same: true },
      ],
    });
    proxy.rules.push({ path: TAGS, answer: { status: 404, body: '404 page not found' } });
    const compared = await compareRepository(route(site, repository), POLICY, undefined, 100);
    expect(compared).toMatchObject({
      extra: [],
      tags: [
        { tag: 'v1', same: true },
        { tag: 'v2', same: true },
      ],
    });
    expect(compared.summary).toMatch(/gives no list of its own/);
    proxy.rules.unshift({ path: TAGS, answer: { status: 403 } });
    await expect(compareRepository(route(site, repository), POLICY, undefined, 100)).rejects.toMatchObject({ code: 'DENIED' });
  });
});

describe('a primary that is not to be trusted', () => {
  let image: PushedImage;
  let proxy: QuirkProxy;
  let secondary: EmbeddedRegistry;

  beforeAll(async () => {
    const [primary, other] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
    secondary = other;
    proxy = await quirkProxy(primary.url);
    image = await pushImage(primary.url, 'app', 'v1', { layers: [1_000, 100_000] });
  });
  beforeEach(() => proxy.reset());

  const compare = () => compareRepository(route(sitePair(proxy.url, secondary.url), 'app'), POLICY, undefined, 100);

  it.each<[string, QuirkRule[], string]>([
    ['has no list of tags', [{ path: TAGS, answer: { status: 404, body: '404 page not found' } }], 'NOT_FOUND'],
    ['answers with a page for people', [{ path: TAGS, answer: { status: 200, body: '<html>' } }], 'LISTING'],
    [
      'cuts its list without a Link',
      [{ path: TAGS, body: () => JSON.stringify({ tags: Array.from({ length: 50 }, (_, n) => `x${n}`) }) }],
      '',
    ],
  ])('and %s is no empty one', async (_, rules, code) => {
    proxy.rules.push(...rules);
    if (code !== '') await expect(compare()).rejects.toMatchObject({ code });
    // What it lists and does not have is told as a failure of each.
    else expect((await compare()).failures.every(({ failure }) => failure.code === 'NOT_FOUND')).toBe(true);
  });

  it.each<[string, QuirkRule, string]>([
    ['other bytes for a blob', { method: 'GET', path: BLOBS, body: garbled }, 'DIGEST_MISMATCH'],
    ['a blob cut short', { method: 'GET', path: BLOBS, body: (bytes) => bytes.subarray(1) }, 'SIZE_MISMATCH'],
    [
      'other bytes for a manifest',
      { method: 'GET', path: /\/manifests\//, body: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) },
      'DIGEST_MISMATCH',
    ],
  ])('that serves %s is not copied', async (_, rule, code) => {
    proxy.rules.push(rule);
    const site = sitePair(proxy.url, secondary.url);
    const end = await replicate(site, 'app', { tags: ['v1'] }).then(
      ({ published, copied }) => [...(copied?.failures ?? []), ...published].map(({ failure }) => failure?.code),
      (thrown: unknown) => [(thrown as Error).message.includes('hash to') ? 'DIGEST_MISMATCH' : String(thrown)],
    );
    expect(end).toContain(code);
    const held = await fetch(`${secondary.url}/v2/app/manifests/v1`);
    expect(held.status).toBe(404);
  });

  it('and lists no tags (as one on S3 does of what it does not know) has nothing deleted for it', async () => {
    const site = sitePair(proxy.url, secondary.url);
    await replicate(site, 'app');
    proxy.rules.push({ path: TAGS, answer: { status: 200, body: '{"name":"app","tags":[]}' } });
    expect(await compareRepository(route(site, 'app'), POLICY, undefined, 100)).toMatchObject({ tags: [], extra: ['v1'] });
    const deletion = { id: '1', tag: 'v1', digest: image.digest as Digest };
    const { outcomes } = await deleteTags(route(site, 'app'), [deletion], [{ repository: 'app', tag: 'v1', digest: deletion.digest }]);
    expect(outcomes).toMatchObject([{ result: 'back' }]);
  });
});

describe('an OCI 1.1 registry that misbehaves', () => {
  it.each([
    ['tells no digest of a tag', { omitDigestFromTagGet: true }],
    ['cuts its lists and tells nobody', { omitLink: true }],
    ['takes no blob in a single POST', { disableSinglePostUpload: true }],
  ])('and %s: as secondary and as primary', async (_, options) => {
    const [primary, odd, last] = await Promise.all([testRegistry({ version: 3 }), testOciServer(options), testRegistry({ version: 3 })]);
    await pushImage(primary.url, 'app', 'v1', { layers: [1_000, 100_000] });
    await pushImage(primary.url, 'app', 'v2', { layers: [1_000] });
    for (const [from, to] of [
      [primary, odd],
      [odd, last],
    ] as const) {
      const { published } = await replicate(sitePair(from.url, to.url), 'app');
      expect(published.map(({ state }) => state)).toEqual(['verified', 'verified']);
    }
    expect(difference(await walk(primary.url), await walk(last.url))).toEqual([]);
  });
});
