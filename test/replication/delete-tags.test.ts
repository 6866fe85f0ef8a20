import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import type { PlannedDeletion } from '../../src/model/steps.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { deleteTags } from '../../src/replication/delete-tags.ts';
import { finishPlaceholders } from '../../src/replication/placeholders.ts';
import type { Site } from '../../src/replication/site.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { POLICY } from '../support/policy.ts';
import { deleteManifest, pushImage, pushIndex, pushManifest, pushReferrer, TYPES, type PushedImage } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, route, sitePair } from './pair.ts';

const ACCEPT = { accept: [TYPES.ociManifest, TYPES.ociIndex].join(', ') };
const BY_DIGEST = /\/manifests\/sha256:/;
const ANY_TAG = /\/manifests\/[a-z]/;

const planned = (tag: string, { digest }: { digest: string }): PlannedDeletion => ({ id: tag, tag, digest: digest as Digest });

/*
 * The primary is a Distribution 3, which can lose one of several tags; the secondary of the first block is a 2.8, which cannot.
 */
describe('a registry that deletes by digest only', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let proxy: QuirkProxy;
  let site: Site;
  let image: PushedImage;
  let repository: string;
  let count = 0;

  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 2 })]);
    proxy = await quirkProxy(secondary.url);
  });
  /** `v1` and `latest` on one digest, replicated; then the primary loses `latest`. */
  beforeEach(async () => {
    proxy.reset();
    repository = `app${++count}`;
    image = await pushImage(primary.url, repository, 'v1');
    await pushManifest(primary.url, repository, 'latest', image.bytes, image.mediaType);
    site = sitePair(primary.url, proxy.url);
    await replicate(site, repository);
    await deleteManifest(primary.url, repository, 'latest');
    proxy.reset();
  });

  const go = async (...deletions: PlannedDeletion[]) => {
    const controls = [{ repository, tag: 'v1', digest: image.digest as Digest }];
    return (await deleteTags(route(site, repository), deletions, controls)).outcomes;
  };
  const at = async (reference: string): Promise<{ status: number; digest: string | null; body: Record<string, unknown> }> => {
    const response = await fetch(`${secondary.url}/v2/${repository}/manifests/${reference}`, { headers: ACCEPT });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, digest: response.headers.get('docker-content-digest'), body };
  };
  const extra = async () => {
    const { extra: found, placeholders } = await compareRepository(route(site, repository), POLICY, undefined, 100);
    return { extra: found, placeholders };
  };
  const unchanged = async (): Promise<void> => {
    for (const tag of ['v1', 'latest']) expect(await at(tag)).toMatchObject({ status: 200, digest: image.digest });
    expect(proxy.count('PUT', ANY_TAG)).toBe(0);
  };

  it('loses one of two tags on a digest, and the digest stays for the other', async () => {
    expect(await go(planned('latest', image))).toMatchObject([{ result: 'deleted' }]);
    expect(await at('latest')).toMatchObject({ status: 404 });
    expect(await at('v1')).toMatchObject({ status: 200, digest: image.digest });
    expect(await at(image.digest)).toMatchObject({ status: 200 });
    // The placeholder is gone by its digest, too, and no list shows it.
    const placed = proxy.seen.filter((one) => one.method === 'DELETE' && one.path.includes('/manifests/sha256:')).map((one) => one.path);
    for (const path of placed) expect((await fetch(`${secondary.url}${path}`, { headers: ACCEPT })).status).toBe(404);
    expect(await extra()).toEqual({ extra: [], placeholders: [] });
    cell('distribution-2', 'delete', 'by a placeholder');
  });

  it.each([
    ['says that it has no such repository', { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' }],
    ['lists none', { status: 200, body: '{"name":"app","tags":null}' }],
  ])('keeps the digest for other tags, though its list of tags, which %s, does not tell of them', async (_, answer) => {
    await deleteManifest(primary.url, repository, image.digest);
    const { digest } = await pushImage(primary.url, repository, 'control', { label: 'control' });
    proxy.rules.push({ path: /tags\/list/, answer: { ...answer, headers: { 'content-type': 'application/json' } } });
    const controls = [{ repository, tag: 'control', digest: digest as Digest }];
    expect((await deleteTags(route(site, repository), [planned('latest', image)], controls)).outcomes).toMatchObject([
      { result: 'deleted' },
    ]);
    expect(await at('latest')).toMatchObject({ status: 404 });
    expect(await at('v1')).toMatchObject({ status: 200, digest: image.digest });
  });

  it('loses the tag, and keeps the digest, that an index or a referrer needs', async () => {
    const child = await pushImage(primary.url, repository, 'child');
    const multi = await pushIndex(primary.url, repository, 'multi', { children: [child] });
    const signed = await pushImage(primary.url, repository, 'signed');
    await pushReferrer(primary.url, repository, signed);
    await replicate(site, repository);
    for (const tag of ['child', 'signed']) await deleteManifest(primary.url, repository, tag);
    expect(await go(planned('child', child), planned('signed', signed))).toMatchObject([{ result: 'deleted' }, { result: 'deleted' }]);
    for (const tag of ['child', 'signed']) expect((await at(tag)).status).toBe(404);
    for (const { digest } of [child, signed, multi]) expect((await at(digest)).status).toBe(200);
  });

  it('loses a digest whose tags all go together, without a placeholder', async () => {
    const both = await pushImage(primary.url, repository, 'a');
    await pushManifest(primary.url, repository, 'b', both.bytes, both.mediaType);
    await replicate(site, repository);
    await deleteManifest(primary.url, repository, both.digest);
    proxy.reset();
    expect((await go(planned('a', both), planned('b', both))).map(({ result }) => result)).toEqual(['deleted', 'absent']);
    expect((await at(both.digest)).status).toBe(404);
    expect(proxy.count('PUT')).toBe(0);
  });

  /** As a kill between the placeholder's PUT and its DELETE: the probe's DELETE passes, the next fails. */
  const interrupted = async (): Promise<void> => {
    proxy.rules.push(
      { method: 'DELETE', path: BY_DIGEST, times: 1 },
      { method: 'DELETE', path: BY_DIGEST, answer: { status: 503 }, times: 1 },
    );
    await expect(go(planned('latest', image))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await at('latest')).body['artifactType']).toBe('application/vnd.twinport.placeholder.v1+json');
    expect(await at('v1')).toMatchObject({ digest: image.digest });
  };

  it('has an interrupted deletion ended by the next attempt', async () => {
    await interrupted();
    expect(await go(planned('latest', image))).toMatchObject([{ result: 'deleted' }]);
    expect((await at('latest')).status).toBe(404);
    expect(await at('v1')).toMatchObject({ digest: image.digest });
  });

  it('does not take a placeholder for foreign, and has it removed by the next scan', async () => {
    await pushImage(secondary.url, repository, 'foreign', { layers: [1536] });
    await interrupted();
    expect(await extra()).toEqual({ extra: ['foreign'], placeholders: ['latest'] });
    expect(await finishPlaceholders(route(site, repository), ['latest', 'foreign'])).toEqual([]);
    expect((await at('latest')).status).toBe(404);
    expect((await at('foreign')).status).toBe(200);
    expect(await extra()).toEqual({ extra: ['foreign'], placeholders: [] });
  });

  it('has a placeholder replaced when the tag comes back, and remembers what was there before it', async () => {
    await interrupted();
    const back = await pushImage(primary.url, repository, 'latest', { label: 'back' });
    const { published } = await replicate(site, repository, { tags: ['latest'] });
    expect(published).toMatchObject([{ state: 'verified', previous: image.digest }]);
    expect(await at('latest')).toMatchObject({ digest: back.digest });
  });

  it('leaves what another put there meanwhile', async () => {
    const other = await pushImage(secondary.url, repository, 'latest', { label: 'other' });
    expect(await go(planned('latest', image))).toMatchObject([{ result: 'changed' }]);
    expect(await at('latest')).toMatchObject({ digest: other.digest });
  });

  it('puts the tag back where the registry says that it deleted the placeholder and did not', async () => {
    proxy.rules.push({ method: 'DELETE', path: BY_DIGEST, answer: { status: 202 } });
    expect(await go(planned('latest', image))).toMatchObject([
      { result: 'held', reason: expect.stringMatching(/cannot untag: .*still serves it/) },
    ]);
    for (const tag of ['v1', 'latest']) expect(await at(tag)).toMatchObject({ status: 200, digest: image.digest });
  });

  it('puts the tag back where the registry allows the probe, and then not the deletion', async () => {
    proxy.rules.push({ method: 'DELETE', path: BY_DIGEST, times: 1 }, { method: 'DELETE', path: BY_DIGEST, answer: { status: 403 } });
    expect(await go(planned('latest', image))).toMatchObject([{ result: 'unproved', reason: expect.stringMatching(/403/) }]);
    for (const tag of ['v1', 'latest']) expect(await at(tag)).toMatchObject({ status: 200, digest: image.digest });
  });

  it('is not believed that a digest is not there, while it serves the tag still', async () => {
    await deleteManifest(primary.url, repository, image.digest);
    const control = await pushImage(primary.url, repository, 'control', { label: 'control' });
    const controls = [{ repository, tag: 'control', digest: control.digest as Digest }];
    proxy.rules.push({ method: 'DELETE', path: BY_DIGEST, answer: { status: 404, body: '404 page not found' } });
    const both = [planned('latest', image), planned('v1', image)];
    const { outcomes } = await deleteTags(route(site, repository), both, controls);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ result: 'held', reason: expect.stringMatching(/is not there, and still serves it/) });
  });

  it.each([
    ['refuses deletes', { status: 405 }, /^registry refuses deletes$/],
    ['does not tell', { status: 404, body: '404 page not found' }, /cannot untag: .* does not say whether/],
    ['does not let us', { status: 403 }, /403/],
  ])('gets no placeholder if it %s by digest', async (_, answer, reason) => {
    proxy.rules.push({ method: 'DELETE', path: BY_DIGEST, answer });
    const [outcome] = await go(planned('latest', image));
    expect(outcome?.result).not.toBe('deleted');
    expect(outcome?.reason).toMatch(reason);
    await unchanged();
  });

  it('has the deletion held if it does not take the placeholder', async () => {
    proxy.rules.push({
      method: 'PUT',
      path: /\/manifests\/latest/,
      answer: { status: 400, body: '{"errors":[{"code":"MANIFEST_INVALID"}]}' },
    });
    expect(await go(planned('latest', image))).toMatchObject([
      { result: 'held', reason: expect.stringMatching(/does not take the placeholder/) },
    ]);
    for (const tag of ['v1', 'latest']) expect(await at(tag)).toMatchObject({ digest: image.digest });
  });

  it.each([
    ['switched off', { deletes: false }],
    ['read-only', { readOnly: true }],
  ])('with deletes %s holds the deletion and gets no placeholder', async (_, changes) => {
    await secondary.restart(changes);
    try {
      expect(await go(planned('latest', image))).toMatchObject([{ result: 'held', reason: 'registry refuses deletes' }]);
      await unchanged();
    } finally {
      await secondary.restart({ deletes: true, readOnly: false });
    }
  });
});

describe('a registry that deletes by name', () => {
  it('is not believed while it serves the tag still', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
    const proxy = await quirkProxy(secondary.url);
    const image = await pushImage(primary.url, 'app', 'v1');
    await pushManifest(primary.url, 'app', 'latest', image.bytes, image.mediaType);
    const site = sitePair(primary.url, proxy.url);
    await replicate(site, 'app');
    await deleteManifest(primary.url, 'app', 'latest');
    const controls = [{ repository: 'app', tag: 'v1', digest: image.digest as Digest }];
    const go = async () => (await deleteTags(route(site, 'app'), [planned('latest', image)], controls)).outcomes;

    proxy.rules.push({ method: 'DELETE', answer: { status: 202 }, times: 1 });
    expect(await go()).toMatchObject([{ result: 'held', reason: expect.stringMatching(/still serves it/) }]);
    // One that looks for a manifest of this digest finds none.
    proxy.rules.push({ method: 'DELETE', answer: { status: 404, body: '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}' }, times: 1 });
    expect(await go()).toMatchObject([{ result: 'held', reason: expect.stringMatching(/is not there, and still serves it/) }]);
    expect(await go()).toMatchObject([{ result: 'deleted' }]);
    expect(await go()).toMatchObject([{ result: 'absent' }]);
    expect(proxy.count('PUT', /manifests\/latest/)).toBe(1);
    expect((await fetch(`${secondary.url}/v2/app/manifests/v1`, { headers: ACCEPT })).status).toBe(200);
  });
});

describe('a deletion at the primary is proved in the moment in which it is followed', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let source: QuirkProxy;
  let target: QuirkProxy;
  let gone: PushedImage;
  let sibling: PushedImage;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
    [source, target] = await Promise.all([quirkProxy(primary.url), quirkProxy(secondary.url)]);
    gone = await pushImage(primary.url, 'app', 'gone', { label: 'gone' });
    sibling = await pushImage(primary.url, 'app', 'sibling');
    await replicate(sitePair(primary.url, secondary.url), 'app');
    await deleteManifest(primary.url, 'app', gone.digest);
  });
  beforeEach(() => [source, target].forEach((proxy) => proxy.reset()));

  const go = async (control = { tag: 'sibling', digest: sibling.digest }) => {
    const controls = [{ repository: 'app', tag: control.tag, digest: control.digest as Digest }];
    return (await deleteTags(route(sitePair(source.url, target.url), 'app'), [planned('gone', gone)], controls)).outcomes[0];
  };

  it.each<[string, () => { tag: string; digest: string }]>([
    ['is not there either', () => ({ tag: 'never', digest: sibling.digest })],
    ['reads as something else', () => ({ tag: 'sibling', digest: gone.digest })],
  ])('by another tag: not if that %s', async (_, control) => {
    expect(await go(control())).toMatchObject({ result: 'unproved', reason: expect.stringMatching(/its 404 proves nothing/) });
    expect(target.count('DELETE')).toBe(0);
  });

  it.each([
    ['without a code', { status: 404, body: '404 page not found' }],
    ['with a code of something else', { status: 404, body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}' }],
    ['that is a refusal', { status: 403, body: '{"errors":[{"code":"DENIED"}]}' }],
    ['that is a failure', { status: 500 }],
  ])('by the answer to a GET: not by one %s', async (_, answer) => {
    source.rules.push({ path: /manifests\/gone/, answer });
    expect(await go()).toMatchObject({ result: 'unproved' });
    expect(target.count('DELETE')).toBe(0);
  });

  it('and one that is taken back in that moment is told', async () => {
    let pushed: Promise<unknown> | undefined;
    const back = () => (pushed ??= pushManifest(primary.url, 'app', 'gone', sibling.bytes, sibling.mediaType));
    target.rules.push({ method: 'DELETE', onRequest: back });
    expect(await go()).toMatchObject({ result: 'back' });
  });
});
