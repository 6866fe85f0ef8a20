import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { deleteManifest, pushImage, pushIndex, pushManifest, pushReferrer, sha256, TYPES, type Pushed } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, sitePair } from './pair.ts';

describe('the closure from a primary with the referrers API', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let source: QuirkProxy;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 3 })]);
    source = await quirkProxy(primary.url);
  });

  /** Neither version of Distribution has the API: the proxy answers in its place. */
  function listReferrers(subject: Pushed, referrers: readonly object[]): void {
    const answer = (manifests: readonly object[]) => ({
      status: 200,
      headers: { 'content-type': TYPES.ociIndex },
      body: JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociIndex, manifests }),
    });
    source.rules.push({ path: new RegExp(`referrers/${subject.digest}`), answer: answer(referrers) });
    source.rules.push({ path: /referrers\//, answer: answer([]) });
  }
  async function pushReferringIndex(repository: string, subject: Pushed): Promise<Pushed> {
    const { mediaType, digest, size } = subject;
    const entry = { mediaType, digest, size };
    const body = { schemaVersion: 2, mediaType: TYPES.ociIndex, manifests: [entry], subject: entry };
    const bytes = Buffer.from(JSON.stringify(body));
    await pushManifest(primary.url, repository, sha256(bytes), bytes, TYPES.ociIndex);
    return { mediaType: TYPES.ociIndex, digest: sha256(bytes), size: bytes.length };
  }
  const held = async (repository: string, reference: string): Promise<Response> =>
    fetch(`${secondary.url}/v2/${repository}/manifests/${reference}`, { headers: { accept: `${TYPES.ociIndex}, ${TYPES.ociManifest}` } });

  it('does not wait for itself where a referrer is an index that lists its subject', async () => {
    source.reset();
    const child = await pushImage(primary.url, 'ring', 'v1', { untagged: true });
    await pushIndex(primary.url, 'ring', 'v1', { children: [child] });
    const referrer = await pushReferringIndex('ring', child);
    listReferrers(child, [referrer]);
    const { published } = await replicate(sitePair(source.url, secondary.url), 'ring');
    expect(published).toMatchObject([{ state: 'verified' }]);
    expect((await held('ring', referrer.digest)).status).toBe(200);
  });

  it('publishes an image before the referrer that lists it', async () => {
    source.reset();
    const image = await pushImage(primary.url, 'root', 'v1');
    const referrer = await pushReferringIndex('root', image);
    listReferrers(image, [referrer]);
    const { published } = await replicate(sitePair(source.url, secondary.url), 'root', { tags: ['v1'] });
    expect(published).toMatchObject([{ state: 'verified' }]);
    expect((await held('root', referrer.digest)).status).toBe(200);
  });

  it('keeps artifact types and annotations in the fallback index, by which clients choose', async () => {
    source.reset();
    const image = await pushImage(primary.url, 'fallback', 'v1');
    const annotations = { 'org.example.by': 'test' };
    const signature = await pushReferrer(primary.url, 'fallback', image, { annotations });
    // A registry with the API keeps no such tag; Distribution's client made one.
    const tag = image.digest.replace(':', '-');
    const made = await fetch(`${primary.url}/v2/fallback/manifests/${tag}`, { headers: { accept: TYPES.ociIndex } });
    await deleteManifest(primary.url, 'fallback', sha256(new Uint8Array(await made.arrayBuffer())));
    listReferrers(image, [signature]);
    await replicate(sitePair(source.url, secondary.url), 'fallback', { tags: ['v1'] });
    const index = await (await held('fallback', image.digest.replace(':', '-'))).json();
    expect(index).toMatchObject({ manifests: [{ ...signature, artifactType: 'application/vnd.example.sbom', annotations }] });
  });

  it('leaves the fallback tag alone where the primary has one of its own beside the API', async () => {
    source.reset();
    const image = await pushImage(primary.url, 'both', 'v1');
    const known = await pushReferrer(primary.url, 'both', image);
    listReferrers(image, [known, await pushReferrer(primary.url, 'both', image, { artifactType: 'application/vnd.example.other' })]);
    const tag = image.digest.replace(':', '-');
    const digestOf = async (url: string): Promise<string | null> =>
      (await fetch(`${url}/v2/both/manifests/${tag}`, { headers: { accept: TYPES.ociIndex } })).headers.get('docker-content-digest');
    const site = sitePair(source.url, secondary.url);
    await replicate(site, 'both', { tags: [tag] });
    await replicate(site, 'both', { tags: ['v1'] });
    expect(await digestOf(secondary.url)).toBe(await digestOf(primary.url));
  });
});
