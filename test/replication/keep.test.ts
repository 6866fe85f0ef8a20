import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Digest } from '../../src/model/digest.ts';
import { keepTag } from '../../src/model/reference.ts';
import type { PlannedDeletion } from '../../src/model/steps.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { deleteTags } from '../../src/replication/delete-tags.ts';
import { sweepKept } from '../../src/replication/keep.ts';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import { deleteManifest, pushImage, pushManifest, TYPES } from '../support/images.ts';
import { findBinary } from '../support/parts.ts';
import { POLICY } from '../support/policy.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { walk } from '../support/walk.ts';
import { replicate, route, sitePair } from './pair.ts';

const KEEPING = { ...POLICY, deletes: { ...POLICY.deletes, keepMs: 60_000 } };
const REFUSED = { status: 400, body: '{"errors":[{"code":"TAG_INVALID","message":"immutable"}]}' };

const status = async (registry: EmbeddedRegistry, repository: string, reference: string): Promise<number> =>
  (await fetch(`${registry.url}/v2/${repository}/manifests/${reference}`, { headers: { accept: TYPES.ociManifest } })).status;
const tagsOf = async (registry: EmbeddedRegistry, repository: string): Promise<string[]> => {
  const answer = await fetch(`${registry.url}/v2/${repository}/tags/list`);
  return ((await answer.json()) as { tags: string[] | null }).tags?.toSorted() ?? [];
};

it('leaves what an overwrite took from a tag to no garbage collection, and without it is lost', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'twinport-keep-'));
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3, dir })]);
  try {
    const site = sitePair(primary.url, secondary.url);
    const old: Record<string, string> = {};
    for (const [repository, policy] of Object.entries({ kept: KEEPING, lost: POLICY })) {
      old[repository] = (await pushImage(primary.url, repository, 'latest', { label: 'old' })).digest;
      await replicate(site, repository, { policy });
      await pushImage(primary.url, repository, 'latest', { layers: [{ seed: repository, size: 900 }] });
      const { published } = await replicate(site, repository, { policy });
      expect(published).toMatchObject([{ state: 'verified', previous: old[repository] }]);
      expect(published[0]).not.toHaveProperty('unkept');
    }
    await secondary.stop();
    await promisify(execFile)(findBinary('registry'), ['garbage-collect', '--delete-untagged', join(dir, 'config.yml')]);
    await secondary.restart();
    expect(await status(secondary, 'kept', old['kept'] ?? '')).toBe(200);
    expect(await status(secondary, 'lost', old['lost'] ?? '')).toBe(404);
    // Its layers too: nothing that can be reached lacks content.
    expect((await walk(secondary.url)).problems).toEqual([]);
    const tag = keepTag(old['kept'] as Digest);
    expect(await tagsOf(secondary, 'kept')).toEqual(['latest', tag]);
    expect((await sweepKept(route(site, 'kept', KEEPING), [tag])).removed).toBe(1);
    expect(await tagsOf(secondary, 'kept')).toEqual(['latest']);
  } finally {
    await secondary.stop();
    await rm(dir, { recursive: true, force: true });
  }
});

it('keeps nothing that is not lost: the tag has moved on since it was seen', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const site = sitePair(primary.url, secondary.url);
  const seen = await pushImage(primary.url, 'moved', 'latest');
  await pushImage(primary.url, 'moved', 'latest', { label: 'newer' });
  await replicate(site, 'moved', { policy: KEEPING });
  const { images } = await publishManifests(route(site, 'moved', KEEPING), [{ tag: 'latest', digest: seen.digest as Digest }], []);
  expect(images.map(({ state }) => state)).toEqual(['moved']);
  expect(await tagsOf(secondary, 'moved')).toEqual(['latest']);
});

describe.each([2, 3] as const)('a secondary of Distribution %i', (version) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version })]);
  });
  const planned = (tag: string, { digest }: { digest: string }): PlannedDeletion => ({ id: tag, tag, digest: digest as Digest });

  it('keeps what a deletion takes from a tag, and says so in no list of tags that are nobody’s', async () => {
    const site = sitePair(primary.url, secondary.url);
    const image = await pushImage(primary.url, 'deleted', 'v1', { label: 'v1' });
    const control = await pushImage(primary.url, 'deleted', 'v2', { label: 'v2' });
    await replicate(site, 'deleted', { policy: KEEPING });
    await deleteManifest(primary.url, 'deleted', image.digest);
    const way = route(site, 'deleted', KEEPING);
    const { outcomes } = await deleteTags(
      way,
      [planned('v1', image)],
      [{ repository: 'deleted', tag: 'v2', digest: control.digest as Digest }],
    );
    expect(outcomes).toMatchObject([{ result: 'deleted' }]);
    expect(await status(secondary, 'deleted', 'v1')).toBe(404);
    expect(await status(secondary, 'deleted', image.digest)).toBe(200);
    const kept = keepTag(image.digest as Digest);
    expect(await compareRepository(way, KEEPING, undefined, 100)).toMatchObject({ extra: [], kept: [kept] });
    // What is swept is only what we named: a name like ours for something else is somebody else's.
    const forged = 'twinport-keep-00000000000000000000000000000000';
    await pushManifest(secondary.url, 'deleted', forged, control.bytes, control.mediaType);
    expect(await sweepKept(way, [forged, kept])).toMatchObject({
      removed: 1,
      summary: expect.stringMatching(/1 left .*000: it stands for/),
    });
    expect(await tagsOf(secondary, 'deleted')).toEqual([forged, 'v2']);
    expect(await status(secondary, 'deleted', control.digest)).toBe(200);
  });

  it('pages through kept tags too, and takes none from a primary', async () => {
    const site = sitePair(primary.url, secondary.url);
    await pushImage(primary.url, 'paged', 'v1', { label: 'v1' });
    await pushImage(primary.url, 'paged', 'twinport-keep-11111111111111111111111111111111', { label: 'of an earlier life as a secondary' });
    for (const n of [1, 2, 3]) await pushImage(secondary.url, 'paged', `twinport-keep-${String(n).repeat(32)}`, { label: `kept ${n}` });
    const pages: (readonly string[] | undefined)[] = [];
    let after: string | undefined;
    do {
      const page = await compareRepository(route(site, 'paged', KEEPING), KEEPING, after, 2);
      expect(page).toMatchObject({ extra: [], excluded: 0 });
      pages.push(page.kept);
      after = page.next;
    } while (after !== undefined);
    expect(pages.map((kept) => kept?.length)).toEqual([2, 1]);
    await replicate(site, 'paged', { policy: KEEPING });
    expect((await tagsOf(secondary, 'paged')).filter((tag) => !tag.startsWith('twinport-'))).toEqual(['v1']);
  });

  it('that does not take the tag loses what an overwrite replaces, and is told; a deletion is held until a person lets it go', async () => {
    const proxy = await quirkProxy(secondary.url);
    proxy.rules.push({ method: 'PUT', path: /twinport-keep-/, answer: REFUSED });
    const site = sitePair(primary.url, proxy.url);
    const old = await pushImage(primary.url, 'refused', 'latest', { label: 'old' });
    const control = await pushImage(primary.url, 'refused', 'v1', { label: 'control' });
    await replicate(site, 'refused', { policy: KEEPING });
    const now = await pushImage(primary.url, 'refused', 'latest', { label: 'new' });
    const { published } = await replicate(site, 'refused', { policy: KEEPING, tags: ['latest'] });
    expect(published).toMatchObject([{ state: 'verified', previous: old.digest, unkept: expect.stringMatching(/TAG_INVALID/) }]);

    await deleteManifest(primary.url, 'refused', now.digest);
    const go = async (deletion: PlannedDeletion) =>
      (
        await deleteTags(
          route(site, 'refused', KEEPING),
          [deletion],
          [{ repository: 'refused', tag: 'v1', digest: control.digest as Digest }],
        )
      ).outcomes;
    expect(await go(planned('latest', now))).toMatchObject([
      { result: 'held', unkept: true, reason: expect.stringMatching(/^cannot be undone: .*TAG_INVALID/) },
    ]);
    expect(await status(secondary, 'refused', 'latest')).toBe(200);
    expect(await go({ ...planned('latest', now), unkept: true })).toMatchObject([
      { result: 'deleted', reason: expect.stringMatching(/^cannot be undone: not kept/) },
    ]);
    expect(await status(secondary, 'refused', 'latest')).toBe(404);
  });

  it('has the primary asked for the last time after what is lost was kept', async () => {
    const [source, target] = await Promise.all([quirkProxy(primary.url), quirkProxy(secondary.url)]);
    const order: string[] = [];
    source.rules.push({ method: 'HEAD', path: /manifests\/latest/, onRequest: () => order.push('asked') });
    target.rules.push({ method: 'PUT', path: /twinport-keep-/, onRequest: () => order.push('kept') });
    target.rules.push({ method: 'PUT', path: /manifests\/latest/, onRequest: () => order.push('put') });
    const site = sitePair(source.url, target.url);
    await pushImage(primary.url, 'order', 'latest', { label: 'old' });
    await replicate(site, 'order', { policy: KEEPING });
    await pushImage(primary.url, 'order', 'latest', { label: 'new' });
    await replicate(site, 'order', { policy: KEEPING });
    expect(order.slice(order.indexOf('kept')).slice(0, 3)).toEqual(['kept', 'asked', 'put']);
  });
});
