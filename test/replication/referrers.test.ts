import { beforeAll, describe, expect, it } from '@jest/globals';
import type { SitePolicy } from '../../src/model/policy.ts';
import type { Digest } from '../../src/model/digest.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { lackingUntagged } from '../../src/replication/compare-untagged.ts';
import { copyBlobs } from '../../src/replication/copy-blobs.ts';
import { enumerateLayers } from '../../src/replication/enumerate-layers.ts';
import { lookAtDigests } from '../../src/replication/look-at-digests.ts';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import { push } from '../support/formats.ts';
import { pushBlob, pushImage, pushIndex, pushReferrer, TYPES, type Pushed } from '../support/images.ts';
import { testOciServer } from '../support/oci-server.ts';
import { POLICY } from '../support/policy.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, route, sitePair, type Replicated } from './pair.ts';

/* `ociserver` has the referrers API, neither version of Distribution has: each is asked for referrers as its clients ask. */

const SBOM = 'application/vnd.example.sbom';
const SIGNATURE = 'application/vnd.example.signature';

interface Referrer {
  readonly digest: string;
  readonly artifactType?: string;
}

/** As `oras discover` and cosign find them: by the API, or, where that answers 404, under the fallback tag; and what is found can be pulled. */
async function discover(url: string, repository: string, subject: Pushed): Promise<string[]> {
  const api = await fetch(`${url}/v2/${repository}/referrers/${subject.digest}`);
  const answer = api.ok ? api : await getManifest(url, repository, subject.digest.replace(':', '-'));
  if (!answer.ok) return [];
  const { manifests } = (await answer.json()) as { manifests: Referrer[] };
  for (const { digest } of manifests) expect((await getManifest(url, repository, digest)).status).toBe(200);
  return manifests.map(({ digest, artifactType }) => `${artifactType} ${digest}`).sort();
}

/** What a round tells of a tag's referrers. */
function told({ published }: Replicated, tag: string): string[] | undefined {
  const { referrers } = published.find((image) => image.tag === tag) ?? {};
  expect(referrers?.count).toBe(referrers?.listed.length);
  return referrers?.listed.map(({ digest, artifactType }) => `${artifactType} ${digest}`).sort();
}

function getManifest(url: string, repository: string, reference: string): Promise<Response> {
  return fetch(`${url}/v2/${repository}/manifests/${reference}`, { headers: { accept: `${TYPES.ociIndex}, ${TYPES.ociManifest}` } });
}

/** An image with a signature, an SBOM, a signature of the SBOM, and an index whose child has an SBOM of its own. */
async function pushFamily(url: string, repository: string): Promise<Pushed[]> {
  const image = await pushImage(url, repository, 'v1');
  await pushReferrer(url, repository, image, { artifactType: SIGNATURE, annotations: { 'org.example.by': 'test' } });
  const sbom = await pushReferrer(url, repository, image, { artifactType: SBOM });
  await pushReferrer(url, repository, sbom, { artifactType: SIGNATURE });
  const index = await pushIndex(url, repository, 'multi');
  await pushReferrer(url, repository, index, { artifactType: SIGNATURE });
  const child = index.children[0] as Pushed;
  await pushReferrer(url, repository, child, { artifactType: SBOM });
  return [image, sbom, index, child];
}

describe.each([2, 3] as const)('between a registry with the referrers API and Distribution %i', (version) => {
  let withApi: string;
  let without: string;
  beforeAll(async () => {
    const [oci, distribution] = await Promise.all([testOciServer(), testRegistry({ version })]);
    [withApi, without] = [oci.url, distribution.url];
  });

  it('every referrer is found at a secondary without the API, as its clients look for it', async () => {
    const family = await pushFamily(withApi, 'app');
    const done = await replicate(sitePair(withApi, without), 'app');
    expect(done.published.filter(({ state }) => state !== 'verified')).toEqual([]);
    expect(told(done, 'v1')).toEqual(await discover(withApi, 'app', family[0] as Pushed));
    for (const subject of family) {
      const there = await discover(withApi, 'app', subject);
      expect(there.length).toBeGreaterThan(0);
      expect(await discover(without, 'app', subject)).toEqual(there);
    }
    const again = await replicate(sitePair(withApi, without), 'app');
    expect(again.published.filter(({ changed }) => changed)).toEqual([]);
  });

  it('a fallback index of ours is nobody else’s, also for a process that has just begun', async () => {
    const app = 'built';
    const image = await pushImage(withApi, app, 'v1');
    await pushReferrer(withApi, app, image);
    await replicate(sitePair(withApi, without), app, { tags: ['v1'] });
    const { extra, tags } = await compareRepository(route(sitePair(withApi, without), app), POLICY, undefined, 10);
    expect({ extra, tags }).toMatchObject({ extra: [], tags: [{ tag: 'v1', same: true }] });
  });

  it('every referrer is found at a secondary with the API, whose primary has fallback tags', async () => {
    const family = await pushFamily(without, 'other-way');
    const done = await replicate(sitePair(without, withApi), 'other-way');
    expect(done.published.filter(({ state }) => state !== 'verified')).toEqual([]);
    const [image] = family as [Pushed];
    expect(told(done, 'v1')).toEqual([]);
    expect(told(done, image.digest.replace(':', '-'))).toEqual(await discover(without, 'other-way', image));
    for (const subject of family) {
      const there = await discover(without, 'other-way', subject);
      expect(there.length).toBeGreaterThan(0);
      expect(await discover(withApi, 'other-way', subject)).toEqual(there);
    }
    const again = await replicate(sitePair(without, withApi), 'other-way');
    expect(again.published.filter(({ changed }) => changed)).toEqual([]);
  });

  it('one that comes later under a tag of its own joins the fallback index', async () => {
    const app = 'later';
    const image = await pushImage(withApi, app, 'v1');
    await pushReferrer(withApi, app, image, { artifactType: SBOM });
    const site = sitePair(withApi, without);
    await replicate(site, app);
    const config = await pushBlob(withApi, app, Buffer.from('{}'), TYPES.ociEmpty);
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.size };
    await push(withApi, app, 'signature', { artifactType: SIGNATURE, config, layers: [config], subject });
    await replicate(site, app, { tags: ['signature'] });
    expect(await discover(without, app, image)).toEqual(await discover(withApi, app, image));
    expect(await discover(without, app, image)).toHaveLength(2);
  });

  it('one that comes later without a tag is brought by what its event names', async () => {
    const app = 'event';
    const image = await pushImage(withApi, app, 'v1');
    const site = sitePair(withApi, without);
    await replicate(site, app);
    const late = await pushReferrer(withApi, app, image, { artifactType: SBOM });
    const looked = await lookAtDigests(route(site, app), [late.digest as Digest]);
    expect(looked.subjects).toEqual([image.digest]);
    // The next scan would find it too.
    expect((await compareRepository(route(site, app), POLICY, undefined, 10)).tags).toMatchObject([{ tag: 'v1', same: false }]);
    await replicate(site, app);
    expect(await discover(without, app, image)).toEqual([`${SBOM} ${late.digest}`]);
  });
});

describe('a secondary with the referrers API', () => {
  let primary: string;
  let secondary: string;
  beforeAll(async () => {
    const [oci, other] = await Promise.all([testOciServer(), testOciServer()]);
    [primary, secondary] = [oci.url, other.url];
  });

  it('that does not list what it took is no green: its clients would find nothing', async () => {
    const image = await pushImage(primary, 'unlisted', 'v1');
    await pushReferrer(primary, 'unlisted', image);
    const silent = await quirkProxy(secondary);
    silent.rules.push({ path: /referrers\//, body: () => JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociIndex, manifests: [] }) });
    const done = await replicate(sitePair(primary, silent.url), 'unlisted');
    expect(done.published).toMatchObject([{ tag: 'v1', state: 'failed', failure: { code: 'PROTOCOL', retry: 'later' } }]);
    expect(done.published[0]?.failure?.message).toContain('its referrers API does not list it');
  });

  it('of a primary that learned the API, or seemed to have none, are seen from then on', async () => {
    const app = 'primary-learned';
    const image = await pushImage(primary, app, 'v1');
    const site = sitePair(primary, secondary);
    await replicate(site, app, { tags: ['v1'] });
    await pushReferrer(primary, app, image);
    // What was found out before; after a while it is asked again.
    site.primary.capabilities.referrers = false;
    const { tags } = await compareRepository(route(site, app), POLICY, undefined, 10);
    expect(tags).toMatchObject([{ tag: 'v1', same: false }]);
  });

  it('that learned the API after it was given a referrer is given it again', async () => {
    const app = 'learned';
    const image = await pushImage(primary, app, 'v1');
    const referrer = await pushReferrer(primary, app, image);
    const learning = await quirkProxy(secondary);
    let put = 0;
    learning.rules.push(
      { method: 'PUT', path: new RegExp(`manifests/${referrer.digest}`), onRequest: () => (put += 1) },
      {
        path: /referrers\//,
        when: () => put < 2,
        body: () => JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociIndex, manifests: [] }),
      },
    );
    await replicate(sitePair(primary, secondary), app, { tags: ['v1'] });
    put = 1;
    const done = await replicate(sitePair(primary, learning.url), app, { tags: ['v1'] });
    expect(done.published).toMatchObject([{ state: 'verified' }]);
    expect(put).toBe(2);
  });
});

describe('manifests without a tag', () => {
  it('of a type that nobody knows keep no other from being looked at', async () => {
    const [primary, secondary] = await Promise.all([testOciServer(), testOciServer()]);
    const image = await pushImage(primary.url, 'app', 'v1');
    const site = sitePair(primary.url, secondary.url);
    await replicate(site, 'app');
    const { digest } = await push(primary.url, 'app', 'riddle', { things: [] }, 'application/vnd.example.riddle+json');
    const late = await pushReferrer(primary.url, 'app', image);
    const digests = [digest, late.digest] as Digest[];
    expect((await lookAtDigests(route(site, 'app'), digests)).subjects).toEqual([image.digest]);
    expect((await lookAtDigests(route(site, 'app'), digests, 'all')).subjects).toEqual([digest, image.digest, late.digest]);
  });

  it('are compared where the primary can list them', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
    const site = sitePair(primary.url, secondary.url);
    const images: Pushed[] = [];
    for (const label of ['one', 'two', 'three']) images.push(await pushImage(primary.url, 'app', label, { untagged: true }));
    const digests = images.map(({ digest }) => digest as Digest).sort();
    const [first, ...others] = digests as [Digest, ...Digest[]];
    const way = route(site, 'app');
    const lacks = await enumerateLayers(way, [{ digest: first }], 'shallow');
    await copyBlobs(way, lacks.lacking, { earlier: undefined, attempt: 1, onProgress: () => undefined, ended: () => 'cancelled' });
    expect((await publishManifests(way, [{ digest: first }], [])).images).toMatchObject([{ state: 'verified', changed: true }]);
    const listing = async (): Promise<Digest[]> => [...digests, first];
    expect(await lackingUntagged(way, 10, listing)).toEqual(others);
    expect(await lackingUntagged(way, 1, listing)).toHaveLength(1);
    // Distribution cannot list them: then there is nothing to be known.
    expect(await lackingUntagged(way, 10)).toEqual([]);
  });

  it('come where they are wanted and an event names them; the others do not', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 2 })]);
    const site = sitePair(primary.url, secondary.url);
    const held = await pushImage(primary.url, 'app', 'v1');
    await replicate(site, 'app');
    const alone = await pushImage(primary.url, 'app', 'none', { untagged: true });
    const digests = [held, alone].map(({ digest }) => digest as Digest);
    expect((await lookAtDigests(route(site, 'app'), digests)).subjects).toEqual([]);
    const policy: SitePolicy = { ...POLICY, untagged: 'all' };
    const way = route(site, 'app', policy);
    expect((await lookAtDigests(way, digests, policy.untagged)).subjects).toEqual([alone.digest]);
    expect((await publishManifests(way, [{ digest: held.digest as Digest }], [])).images).toMatchObject([{ state: 'verified' }]);
  });
});
