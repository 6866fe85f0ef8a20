import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { SitePolicy } from '../../src/model/policy.ts';
import type { PublishedImage } from '../../src/model/steps.ts';
import { fetchManifests } from '../../src/replication/fetch-manifests.ts';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import {
  FOREIGN_LAYER,
  NONDISTRIBUTABLE_LAYER,
  OCI_ARTIFACT,
  push,
  pushCacheIndex,
  pushCorpus,
  pushForeign,
  pushSchema1,
  pushSha512,
  pushWithdrawnArtifact,
  SCHEMA1,
  SCHEMA1_SIGNED,
} from '../support/formats.ts';
import { pushBlob, pushCosign, pushImage, pushManifest, randomBytes, sha256, TYPES, type PushedImage } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { testOciServer } from '../support/oci-server.ts';
import { POLICY } from '../support/policy.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { difference, walk, type Holdings } from '../support/walk.ts';
import { lookedAtAgain, replicate, route, sitePair, type Replicated } from './pair.ts';

type Name = 'Distribution 2.8' | 'Distribution 3' | 'ociserver';

const ROW: Readonly<Record<Name, string>> = { 'Distribution 2.8': 'distribution-2', 'Distribution 3': 'distribution-3', ociserver: 'oci' };
const NAMES = ['Distribution 2.8', 'Distribution 3', 'ociserver'] as const;
const PAIRS = NAMES.flatMap((from) => NAMES.map((to) => [from, to] as const));
const DISTRIBUTIONS = PAIRS.filter((pair) => !pair.includes('ociserver'));
/** The two that say nothing new are left out. */
const CORPUS_PAIRS = PAIRS.filter((pair) => !['Distribution 2.8 ociserver', 'ociserver Distribution 3'].includes(pair.join(' ')));

/** One of each on either side; what the secondaries hold is told apart by its mapped name. */
const primaries = {} as Record<Name, string>;
const secondaries = {} as Record<Name, string>;
beforeAll(async () => {
  for (const side of [primaries, secondaries]) {
    const [two, three, oci] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 3 }), testOciServer()]);
    Object.assign(side, { 'Distribution 2.8': two.url, 'Distribution 3': three.url, ociserver: oci.url });
  }
});

function policyFrom(from: Name, more: Partial<SitePolicy> = {}): SitePolicy {
  return { ...POLICY, path: `from-${NAMES.indexOf(from)}/{repository}`, ...more };
}

interface Run {
  readonly from: Name;
  readonly to: Name;
  readonly repository: string;
  readonly policy?: Partial<SitePolicy>;
  /** In the primary's, or the secondary's place. */
  readonly primary?: string;
  readonly secondary?: string;
  /** Asked for by their names, as of a push; absent: what a comparison finds. */
  readonly tags?: readonly string[];
}

/** One round over tags of a repository. */
function run({ from, to, repository, policy, primary, secondary, tags }: Run): Promise<Replicated> {
  const site = sitePair(primary ?? primaries[from], secondary ?? secondaries[to]);
  return replicate(site, repository, { policy: policyFrom(from, policy), mayFail: true, ...(tags ? { tags } : {}) });
}

/** What the secondary holds otherwise than the primary, by an independent reading of both. */
async function differences({ from, to, repository, secondary }: Run): Promise<string[]> {
  const mapped = `from-${NAMES.indexOf(from)}/${repository}`;
  const there = await walk(primaries[from], { repositories: [repository] });
  const here = await walk(secondary ?? secondaries[to], { repositories: [mapped] });
  return difference(there, JSON.parse(JSON.stringify(here).replaceAll(mapped, repository)) as Holdings);
}

/** A second round, by a worker that remembers nothing, moves no bytes and puts nothing. */
async function expectNothingToDo(what: Run): Promise<void> {
  const again = await run(what);
  expect(again.copied).toBeUndefined();
  expect(again.published.filter(({ changed, state }) => changed || state !== 'verified')).toEqual([]);
}

/** One tag is refused in these words and for good, its neighbour in the same batch comes over. */
function expectRefused(done: Replicated, tag: string, words: RegExp): void {
  const byTag = (wanted: string): PublishedImage | undefined => done.published.find((image) => image.tag === wanted);
  const failure = byTag(tag)?.failure ?? done.failures.find((failed) => failed.tag === tag)?.failure;
  expect(failure).toMatchObject({ code: 'UNSUPPORTED', retry: 'never' });
  expect(failure?.message).toMatch(words);
  expect(byTag('neighbour')).toMatchObject({ state: 'verified' });
}

function hasBlob(url: string, repository: string, digest: string): Promise<boolean> {
  return fetch(`${url}/v2/${repository}/blobs/${digest}`, { method: 'HEAD' }).then(({ status }) => status === 200);
}

describe('what every registry takes', () => {
  beforeAll(async () => {
    for (const url of Object.values(primaries)) {
      await pushCorpus(url, 'corpus');
      const image = await pushImage(url, 'corpus', 'signed');
      for (const suffix of ['sig', 'att', 'sbom'] as const) await pushCosign(url, 'corpus', image, { suffix });
    }
  });

  it.each(CORPUS_PAIRS)('comes digest-identical, with its content type, from %s to %s', async (from, to) => {
    const what = { from, to, repository: 'corpus' };
    const done = await run(what);
    expect(done.failures).toEqual([]);
    const published = await lookedAtAgain(done, (tags) => run({ ...what, tags }));
    expect(published.filter(({ state }) => state !== 'verified')).toEqual([]);
    expect(published.length).toBeGreaterThan(15);
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
    for (const name of [from, to]) cell(ROW[name], 'copy');
  });
});

describe('Docker schema 1', () => {
  const from = 'Distribution 2.8';
  let digest: string;
  beforeAll(async () => {
    ({ digest } = await pushSchema1(primaries[from], 'schema1', 'old'));
    await pushImage(primaries[from], 'schema1', 'neighbour');
  });

  it('is served re-signed each time, under the digest of what was signed', async () => {
    const read = async () => {
      const response = await fetch(`${primaries[from]}/v2/schema1/manifests/old`, { headers: { accept: SCHEMA1_SIGNED } });
      return { digest: response.headers.get('docker-content-digest'), text: await response.text() };
    };
    const [one, two] = [await read(), await read()];
    expect([one.digest, two.digest]).toEqual([digest, digest]);
    expect(one.text).not.toBe(two.text);
  });

  it('comes over by that digest, and is found equal the next time', async () => {
    const what: Run = { from, to: from, repository: 'schema1' };
    const done = await run(what);
    expect(done.published.find(({ tag }) => tag === 'old')).toMatchObject({ state: 'verified', digest });
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });

  it('comes over to a registry that keeps whatever it is given', async () => {
    const what: Run = { from, to: 'ociserver', repository: 'schema1' };
    expect((await run(what)).published.filter(({ state }) => state !== 'verified')).toEqual([]);
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });

  it('is refused by Distribution 3', async () => {
    const done = await run({ from, to: 'Distribution 3', repository: 'schema1' });
    expectRefused(done, 'old', /the secondary does not take Docker schema 1; .*push the image again in a newer format/);
  });

  it('is refused by Distribution 2.8 where it is switched off', async () => {
    const off = await testRegistry({ version: 2, extra: { compatibility: { schema1: { enabled: false } } } });
    const done = await run({ from, to: from, repository: 'schema1', secondary: off.url });
    expectRefused(done, 'old', /does not take Docker schema 1; Distribution 2.8 takes it with compatibility.schema1.enabled/);
  });

  it('that nobody signed is taken as it is, or refused as such', async () => {
    const layer = await pushBlob(primaries.ociserver, 'unsigned', randomBytes('unsigned', 500), TYPES.dockerLayer);
    const body = {
      schemaVersion: 1,
      name: 'unsigned',
      tag: 'old',
      fsLayers: [{ blobSum: layer.digest }],
      history: [{ v1Compatibility: '{}' }],
    };
    await pushManifest(primaries.ociserver, 'unsigned', 'old', Buffer.from(JSON.stringify(body)), SCHEMA1);
    await pushImage(primaries.ociserver, 'unsigned', 'neighbour');
    const what: Run = { from: 'ociserver', to: 'ociserver', repository: 'unsigned' };
    expect((await run(what)).published.map(({ state }) => state)).toEqual(['verified', 'verified']);
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
    const done = await run({ ...what, to: 'Distribution 2.8' });
    expectRefused(done, 'old', /does not take Docker schema 1; Distribution 2.8 takes it only if it is signed/);
  });

  it('is not believed where what is signed was changed', async () => {
    const forging = await quirkProxy(primaries[from]);
    forging.rules.push({
      method: 'GET',
      path: /manifests\/old/,
      body: (bytes) => bytes.toString().replace('"architecture": "amd64"', '"architecture": "arm64"'),
    });
    const done = await run({ from, to: from, repository: 'schema1', primary: forging.url, tags: ['old'] });
    expect(done.failures).toMatchObject([{ tag: 'old', failure: { code: 'DIGEST_MISMATCH' } }]);
  });

  (spawnSync('skopeo', ['--version']).error ? it.skip : it)('comes over as skopeo makes it', async () => {
    await pushSkopeoImage(primaries[from], 'schema1-skopeo');
    const what: Run = { from, to: from, repository: 'schema1-skopeo' };
    const done = await run(what);
    expect(done.published.find(({ tag }) => tag === 'v2s1')).toMatchObject({ state: 'verified' });
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });
});

describe('BuildKit’s cache as an index of blobs', () => {
  beforeAll(async () => {
    for (const name of ['Distribution 2.8', 'Distribution 3'] as const) {
      await pushCacheIndex(primaries[name], 'cache', 'oci', 'oci');
      await pushCacheIndex(primaries[name], 'cache', 'docker', 'docker');
      await pushImage(primaries[name], 'cache', 'neighbour');
    }
  });

  it.each(DISTRIBUTIONS)('comes over from %s to %s', async (from, to) => {
    const what = { from, to, repository: 'cache' };
    const done = await run(what);
    expect(done.published.filter(({ state }) => state !== 'verified')).toEqual([]);
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });

  it('is refused by Distribution 3 as it comes, and by registries that want manifests in an index', async () => {
    const strict = await testRegistry({ version: 3, extra: { validation: { manifests: { indexes: { platforms: 'all' } } } } });
    const words = /does not take an index that lists blobs.*validation.manifests.indexes.platforms: none.*image-manifest=true/;
    for (const secondary of [strict.url, secondaries.ociserver]) {
      const done = await run({ from: 'Distribution 2.8', to: 'Distribution 3', repository: 'cache', secondary });
      expectRefused(done, 'oci', words);
    }
  });

  it('is not called refused where its blobs are really gone: another round mends that', async () => {
    const strict = await testRegistry({ version: 3, extra: { validation: { manifests: { indexes: { platforms: 'all' } } } } });
    const site = sitePair(primaries['Distribution 2.8'], strict.url);
    const { images } = await fetchManifests(route(site, 'cache'), [{ tag: 'oci' }], false);
    const publishing = publishManifests(route(site, 'cache'), images, []);
    expect((await publishing).images).toMatchObject([{ state: 'incomplete', failure: { code: 'BLOB_UNKNOWN' } }]);
  });

  it('finds out what an entry of an unknown type is', async () => {
    const [from, to] = ['Distribution 2.8', 'Distribution 2.8'] as const;
    const image = await pushImage(primaries[from], 'odd', 'neighbour');
    const blob = await pushBlob(primaries[from], 'odd', randomBytes('odd', 500), 'application/vnd.example.part');
    const manifests = [
      blob,
      { ...image, mediaType: 'application/vnd.example.image', bytes: undefined, layers: undefined, config: undefined },
    ];
    await push(primaries[from], 'odd', 'mixed', { manifests }, TYPES.ociIndex);
    const what: Run = { from, to, repository: 'odd' };
    const done = await run(what);
    expect(done.failures).toEqual([]);
    const published = await lookedAtAgain(done, (tags) => run({ ...what, tags }));
    expect(published.filter(({ state }) => state !== 'verified')).toEqual([]);
    expect(await hasBlob(secondaries[to], 'from-0/odd', blob.digest)).toBe(true);
  });
});

describe('foreign layers', () => {
  const urls = ['https://example.com/layer.tar.gz'];
  const from = 'Distribution 2.8';
  const there = (repository: string): string => `from-0/${repository}`;

  it.each(['Distribution 2.8', 'Distribution 3'] as const)('stay where they are by default, to %s', async (to) => {
    const held = await pushForeign(primaries[from], 'foreign', 'held', { urls, held: true });
    await pushForeign(primaries[from], 'foreign', 'elsewhere', { urls });
    const what = { from, to, repository: 'foreign' } as const;
    const done = await run(what);
    expect(done.published.map(({ state }) => state)).toEqual(['verified', 'verified']);
    expect(done.summary).toContain('2 foreign layers left out (foreignLayers: skip)');
    expect(await hasBlob(secondaries[to], there('foreign'), held.foreign.digest)).toBe(false);
    await expectNothingToDo(what);
  });

  it.each(['Distribution 2.8', 'Distribution 3'] as const)('come too if they are to and the primary has them, to %s', async (to) => {
    const held = await pushForeign(primaries[from], 'foreign-copied', 'held', { urls, held: true });
    await pushForeign(primaries[from], 'foreign-copied', 'elsewhere', { urls });
    const what = { from, to, repository: 'foreign-copied', policy: { foreignLayers: 'copy' } } as const;
    const done = await run(what);
    expect(done.published.map(({ state }) => state)).toEqual(['verified', 'verified']);
    expect(done.summary).toContain('1 foreign layer left out (the primary has no bytes of them)');
    expect(await hasBlob(secondaries[to], there('foreign-copied'), held.foreign.digest)).toBe(true);
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });

  it('come to a registry that wants all bytes only if they are to', async () => {
    await pushForeign(primaries[from], 'all-bytes', 'foreign', { type: NONDISTRIBUTABLE_LAYER, urls, held: true });
    await pushImage(primaries[from], 'all-bytes', 'neighbour');
    const what: Run = { from, to: 'ociserver', repository: 'all-bytes' };
    expectRefused(
      await run(what),
      'foreign',
      /does not take an image with foreign layers; .*that wants their bytes with foreignLayers: copy/,
    );
    const copied = await run({ ...what, policy: { foreignLayers: 'copy' } });
    expect(copied.published.map(({ state }) => state)).toEqual(['verified', 'verified']);
    expect(await differences(what)).toEqual([]);
  });

  it('come in any case where nothing says where else they lie', async () => {
    const options = { type: NONDISTRIBUTABLE_LAYER, held: true };
    await pushForeign(primaries[from], 'nowhere-else', 'v1', options);
    const what = { from, to: 'Distribution 3', repository: 'nowhere-else' } as const;
    expect((await run(what)).published).toMatchObject([{ state: 'verified' }]);
    expect(await differences(what)).toEqual([]);
  });

  it.each([2, 3] as const)('are refused by Distribution %i as it comes, in words', async (version) => {
    await pushForeign(primaries[from], 'refused', 'foreign', { urls, held: true });
    await pushImage(primaries[from], 'refused', 'neighbour');
    const strict = await testRegistry({ version, extra: { validation: { manifests: { urls: { allow: ['^https://never'] } } } } });
    for (const foreignLayers of ['skip', 'copy'] as const) {
      const what: Run = { from, to: from, repository: 'refused', secondary: strict.url, policy: { foreignLayers } };
      expectRefused(await run(what), 'foreign', /does not take an image with foreign layers; .*validation.manifests.urls.allow/);
    }
  });

  it('are refused by a registry that wants their bytes, with the setting that brings them', async () => {
    await pushForeign(primaries[from], 'wanted', 'foreign', { type: FOREIGN_LAYER, urls, held: true });
    await pushImage(primaries[from], 'wanted', 'neighbour');
    const wanting = await quirkProxy(secondaries[from]);
    const errors = [{ code: 'MANIFEST_BLOB_UNKNOWN', message: 'blob unknown to registry' }];
    wanting.rules.push({ method: 'PUT', path: /manifests\/foreign/, answer: { status: 400, body: JSON.stringify({ errors }) } });
    const done = await run({ from, to: from, repository: 'wanted', secondary: wanting.url });
    expectRefused(done, 'foreign', /without their bytes; foreignLayers: copy brings them/);
  });
});

describe('SHA-512', () => {
  it.each(DISTRIBUTIONS)('names blobs from %s to %s', async (from, to) => {
    await pushSha512(primaries[from], 'sha512', 'v1');
    const what = { from, to, repository: 'sha512' };
    expect((await run(what)).published).toMatchObject([{ state: 'verified' }]);
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });
});

describe('manifests by SHA-512', () => {
  const from = 'Distribution 3';
  const sha512 = (bytes: Uint8Array): string => `sha512:${createHash('sha512').update(bytes).digest('hex')}`;

  /** Neither Distribution nor ociserver has such manifests: a proxy serves an image under that name. */
  async function primaryWith(repository: string): Promise<{ url: string; image: PushedImage; digest: string }> {
    const image = await pushImage(primaries[from], repository, 'image');
    await pushImage(primaries[from], repository, 'neighbour');
    const digest = sha512(image.bytes);
    const proxy = await quirkProxy(primaries[from]);
    const headers = { 'content-type': image.mediaType, 'docker-content-digest': digest };
    proxy.rules.push({ path: new RegExp(`manifests/(?:image|${digest})$`), answer: { status: 200, headers, body: image.bytes } });
    return { url: proxy.url, image, digest };
  }

  it('are the same image where the secondary names the tag otherwise', async () => {
    const { url, digest } = await primaryWith('sha512-tag');
    const what: Run = { from, to: 'Distribution 3', repository: 'sha512-tag', primary: url };
    const done = await run(what);
    expect(done.published.find(({ tag }) => tag === 'image')).toMatchObject({ state: 'verified', digest, changed: true });
    expect(await differences(what)).toEqual([]);
    await expectNothingToDo(what);
  });

  it('are refused where they have no other name', async () => {
    const { url, image, digest } = await primaryWith('sha512-child');
    const manifests = [{ mediaType: image.mediaType, digest, size: image.size }];
    await push(primaries[from], 'sha512-child', 'index', { manifests }, TYPES.ociIndex);
    const done = await run({ from, to: 'Distribution 3', repository: 'sha512-child', primary: url });
    expectRefused(done, 'index', /does not take manifests by SHA-512; push it to the primary by SHA-256/);
  });

  it('that are other bytes are found out', async () => {
    const { url, digest } = await primaryWith('sha512-forged');
    const forging = await quirkProxy(url);
    forging.rules.push({
      path: /manifests\/image/,
      body: (bytes) => bytes.toString().replace('amd64', 'arm64'),
      setHeaders: { 'docker-content-digest': digest.replace(/.$/, '0') },
    });
    const done = await run({ from, to: 'Distribution 3', repository: 'sha512-forged', primary: forging.url, tags: ['image'] });
    expect(done.failures).toMatchObject([{ tag: 'image', failure: { code: 'DIGEST_MISMATCH' } }]);
  });
});

describe('types that not everybody knows', () => {
  const from = 'ociserver';
  const KNOWN_BUILD = 'application/vnd.example.bundle.v1+json';
  beforeAll(async () => {
    const url = primaries[from];
    await pushWithdrawnArtifact(url, 'types', 'artifact');
    const config = await pushBlob(url, 'types', Buffer.from('{}'), TYPES.ociEmpty);
    const layer = await pushBlob(url, 'types', randomBytes('types', 300), 'a/b');
    await push(url, 'types', 'bundle', { config, layers: [layer] }, KNOWN_BUILD);
    await push(url, 'types', 'riddle', { things: [layer] }, 'application/vnd.example.riddle+json');
    await pushImage(url, 'types', 'neighbour');
  });

  it('come over, as the type that they are, to a registry that takes them', async () => {
    const done = await run({ from, to: from, repository: 'types' });
    const held = async (tag: string) => (await fetch(`${secondaries[from]}/v2/from-2/types/manifests/${tag}`)).headers.get('content-type');
    expect(done.published.map(({ tag, state }) => `${tag} ${state}`).sort()).toEqual([
      'artifact verified',
      'bundle verified',
      'neighbour verified',
    ]);
    expect([await held('artifact'), await held('bundle')]).toEqual([OCI_ARTIFACT, KNOWN_BUILD]);
    expectRefused(done, 'riddle', /application\/vnd.example.riddle\+json, which is no known type of manifest/);
  });

  it('at a secondary keep no image from taking their tag', async () => {
    await pushImage(primaries[from], 'overwritten', 'v1');
    const { digest } = await push(secondaries[from], 'from-2/overwritten', 'v1', { things: [] }, 'application/vnd.example.riddle+json');
    const what: Run = { from, to: from, repository: 'overwritten' };
    expect((await run(what)).published).toMatchObject([{ state: 'verified', changed: true, previous: digest }]);
    expect(await differences(what)).toEqual([]);
  });

  it.each(['Distribution 2.8', 'Distribution 3'] as const)('are refused by %s', async (to) => {
    const done = await run({ from, to, repository: 'types' });
    expectRefused(done, 'artifact', /does not take OCI artifact manifests, a type that was withdrawn; push it again as an OCI image/);
    expectRefused(done, 'bundle', /does not take manifests of type application\/vnd.example.bundle.v1\+json/);
  });
});

/** An image that skopeo can convert must be a real one: a gzipped tar and its true diff id. */
async function pushSkopeoImage(url: string, repository: string): Promise<void> {
  const tar = Buffer.alloc(1_024);
  const layer = await pushBlob(url, repository, gzipSync(tar), TYPES.dockerLayer);
  const body = {
    ...{ architecture: 'amd64', os: 'linux', config: {}, created: '2026-01-01T00:00:00Z' },
    rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
    history: [{ created: '2026-01-01T00:00:00Z', created_by: 'test' }],
  };
  const config = await pushBlob(url, repository, Buffer.from(JSON.stringify(body)), TYPES.dockerConfig);
  await push(url, repository, 'v2s2', { config, layers: [layer] }, TYPES.dockerManifest);
  const host = new URL(url).host;
  const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--insecure-policy', '--format', 'v2s1'];
  const made = spawnSync('skopeo', ['copy', ...flags, `docker://${host}/${repository}:v2s2`, `docker://${host}/${repository}:v2s1`]);
  if (made.status !== 0) throw new Error(`skopeo: ${made.stderr.toString()}`);
}
