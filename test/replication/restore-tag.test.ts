import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Digest } from '../../src/model/digest.ts';
import { keepTag, undoneTag } from '../../src/model/reference.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { sweepKept } from '../../src/replication/keep.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import { restoreTag } from '../../src/replication/restore-tag.ts';
import { deleteManifest, pushImage, TYPES } from '../support/images.ts';
import { findBinary } from '../support/parts.ts';
import { POLICY } from '../support/policy.ts';
import { testRegistry } from '../support/registries.ts';
import { replicate, route, sitePair } from './pair.ts';

const KEEPING = { ...POLICY, deletes: { ...POLICY.deletes, keepMs: 60_000 } };

async function serves({ url }: EmbeddedRegistry, tag: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v2/app/manifests/${tag}`, { headers: { accept: TYPES.ociManifest } });
  return answer.status === 200 ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
}

describe.each([2, 3] as const)('a secondary of Distribution %i', (version) => {
  async function moved(policy = KEEPING) {
    const dir = await mkdtemp(join(tmpdir(), 'twinport-undo-'));
    const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version, dir })]);
    const site = sitePair(primary.url, secondary.url);
    const push = async (label: string) => {
      const { digest } = await pushImage(primary.url, 'app', 'latest', { label, layers: [{ seed: label, size: 900 }] });
      await replicate(site, 'app', { policy });
      return digest as Digest;
    };
    const [one, two] = [await push('one'), await push('two')];
    const way = route(site, 'app', policy);
    const order = { id: 'u', tag: 'latest', digest: one, replaces: two };
    return { ...{ dir, primary, secondary, site, one, two, way, order }, restore: () => restoreTag(way, order) };
  }

  it('serves again what the tag stood for, keeps what it loses, and no push moves it by itself', async () => {
    const { primary, secondary, site, one, two, way, restore } = await moved();
    expect(await restore()).toMatchObject({ result: 'restored', previous: two });
    expect(await serves(secondary, 'latest')).toBe(one);
    expect(await serves(secondary, keepTag(two))).toBe(two);
    // Another attempt finds it done.
    expect(await restore()).toEqual({ result: 'restored', summary: expect.any(String) });
    const publish = async (overwrite?: 'proven') =>
      (await publishManifests(way, [{ tag: 'latest', digest: two }], [], overwrite)).images[0]?.state;
    expect(await publish('proven')).toBe('doubtful');
    expect(await serves(secondary, 'latest')).toBe(one);
    const { extra, kept } = await compareRepository(way, KEEPING, undefined, 1_000);
    expect({ extra, kept }).toEqual({ extra: [], kept: expect.arrayContaining([undoneTag('latest'), keepTag(two)]) });
    // A scan that was allowed to moves it; from then on a push may too.
    expect(await publish()).toBe('verified');
    const three = (await pushImage(primary.url, 'app', 'latest', { label: 'three', layers: [{ seed: 'one', size: 900 }] }))
      .digest as Digest;
    await replicate(site, 'app', { tags: [three], policy: KEEPING });
    expect((await publishManifests(way, [{ tag: 'latest', digest: three }], [], 'proven')).images[0]?.state).toBe('verified');
    expect((await sweepKept(way, [undoneTag('latest')])).removed).toBe(1);
    expect(await serves(secondary, undoneTag('latest'))).toBeUndefined();
    expect(await serves(secondary, 'latest')).toBe(three);
  });

  it('has a tag again that was deleted', async () => {
    const { secondary, two, way, order } = await moved();
    await deleteManifest(secondary.url, 'app', two);
    expect(await serves(secondary, 'latest')).toBeUndefined();
    const { id, tag, digest } = order;
    expect(await restoreTag(way, { id, tag, digest })).toEqual({ result: 'restored', summary: expect.any(String) });
    expect(await serves(secondary, 'latest')).toBe(digest);
  });

  it('leaves a tag alone that somebody else has moved', async () => {
    const { secondary, restore } = await moved();
    const other = await pushImage(secondary.url, 'app', 'latest', { label: 'other' });
    expect(await restore()).toMatchObject({ result: 'changed', reason: expect.stringContaining(other.digest) });
    expect(await serves(secondary, 'latest')).toBe(other.digest);
    expect(await serves(secondary, undoneTag('latest'))).toBeUndefined();
  });
});

it('says what a garbage collection took, and changes nothing then', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'twinport-undo-'));
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3, dir })]);
  try {
    const site = sitePair(primary.url, secondary.url);
    const digests: Digest[] = [];
    for (const label of ['one', 'two']) {
      digests.push((await pushImage(primary.url, 'app', 'latest', { layers: [{ seed: label, size: 900 }] })).digest as Digest);
      await replicate(site, 'app');
    }
    const [one, two] = digests as [Digest, Digest];
    await secondary.stop();
    await promisify(execFile)(findBinary('registry'), ['garbage-collect', '--delete-untagged', join(dir, 'config.yml')]);
    await secondary.restart();
    const restore = () => restoreTag(route(site, 'app'), { id: 'u', tag: 'latest', digest: one, replaces: two });
    expect(await restore()).toMatchObject({ result: 'lacking', reason: `it has no manifest ${one}` });
    expect(await serves(secondary, 'latest')).toBe(two);
    // The primary has it still, under no tag: from there it comes back.
    await replicate(site, 'app', { tags: [one] });
    expect(await restore()).toMatchObject({ result: 'restored' });
    expect(await serves(secondary, 'latest')).toBe(one);
  } finally {
    await secondary.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
