import { describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { deleteManifest, pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

describe.each([
  [2, 2],
  [3, 3],
] as const)('deletions from Distribution %i to %i', (from, to) => {
  async function mirrored(tags: number): Promise<{
    primary: EmbeddedRegistry;
    secondary: EmbeddedRegistry;
    sync: () => ReturnType<typeof twinport>;
    folder: string;
    digests: string[];
  }> {
    const [primary, secondary] = await Promise.all([testRegistry({ version: from }), testRegistry({ version: to })]);
    const digests: string[] = [];
    for (let n = 0; n < tags; n++)
      digests.push((await pushImage(primary.url, 'app', `t${String(n).padStart(2, '0')}`, { layers: [100 + n] })).digest);
    const folder = await workFolder();
    const sync = () => twinport(['sync', '--primary', primary.url, '--secondary', secondary.url, '--json'], folder);
    expect((await sync()).code).toBe(0);
    return { primary, secondary, sync, folder, digests };
  }

  it('takes one of 30 tags away after the primary lost it, and leaves its siblings alone', async () => {
    const { primary, secondary, sync, digests } = await mirrored(30);
    await deleteManifest(primary.url, 'app', digests[7] ?? '');
    const ended = await sync();
    expect(ended.code).toBe(0);
    expect(ended.json).toMatchObject({ images: 29, verified: 29, deleted: 1, held: 0 });
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
  });

  it('holds 20 of 30, and lets them go once a person approved', async () => {
    const { primary, secondary, sync, folder, digests } = await mirrored(30);
    for (const digest of digests.slice(0, 20)) await deleteManifest(primary.url, 'app', digest);
    const held = await sync();
    expect(held.code).toBe(0);
    expect(held.json).toMatchObject({ images: 10, deleted: 0, held: 20 });
    expect(Object.keys((await walk(secondary.url)).tags['app'] ?? {})).toHaveLength(30);

    const site = new URL(secondary.url).host.replace(/[.:]/g, '-');
    const list = await twinport(['deletions', 'list', '--site', site, '--json'], folder);
    expect(list.code).toBe(0);
    expect(list.stdout.trim().split('\n')).toHaveLength(20);
    expect(list.stdout).toMatch(/20 of 30/);
    const approved = await twinport(['deletions', 'approve', '--all', '--site', site, '--json'], folder);
    expect(approved.code).toBe(0);
    const gone = await sync();
    expect(gone.json).toMatchObject({ images: 10, deleted: 20, held: 0 });
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
  });

  it('never takes a tag that somebody else put at the secondary, nor a digest that another tag needs', async () => {
    const { primary, secondary, sync } = await mirrored(3);
    await pushImage(secondary.url, 'app', 'foreign');
    await pushImage(secondary.url, 'elsewhere', 'foreign');
    const shared = await pushImage(primary.url, 'app', 'v1', { layers: [{ seed: 'old', size: 500 }], label: 'old' });
    await pushImage(primary.url, 'app', 'latest', { layers: [{ seed: 'old', size: 500 }], label: 'old' });
    await sync();
    // `latest` moves away from the digest that `v1` keeps.
    await pushImage(primary.url, 'app', 'latest', { layers: [{ seed: 'new', size: 500 }], label: 'new' });
    const ended = await sync();
    expect(ended.json).toMatchObject({ deleted: 0, foreign: 1 });
    const here = await walk(secondary.url);
    expect(here.tags['app']).toMatchObject({ v1: shared.digest, foreign: expect.any(String) });
    expect(here.tags['elsewhere']).toEqual({ foreign: expect.any(String) });
    expect(here.manifests).toHaveProperty([`app@${shared.digest}`]);
  });

  it('takes away what the primary lost in the moment in which it was put', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: from }), testRegistry({ version: to })]);
    await pushImage(primary.url, 'app', 'stays');
    const late = await pushImage(primary.url, 'app', 'late', { layers: [700] });
    const proxy = await quirkProxy(secondary.url);
    // The primary was asked for the last time, and the tag is on its way.
    proxy.rules.push({
      ...{ method: 'PUT', path: /\/manifests\/late/, times: 1, delayMs: 500 },
      onRequest: () => void deleteManifest(primary.url, 'app', late.digest),
    });
    const folder = await workFolder();
    const sync = () => twinport(['sync', '--primary', primary.url, '--secondary', proxy.url, '--json'], folder);
    await sync();
    expect(proxy.count('PUT', /\/manifests\/late/)).toBe(1);
    expect((await sync()).json).toMatchObject({ images: 1, verified: 1, foreign: 0 });
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
  });

  it('deletes nothing when the primary loses its whole catalog', async () => {
    const { primary, secondary, sync } = await mirrored(5);
    const before = await walk(secondary.url);
    // A wiped disk: an empty registry at the same address.
    const { port } = primary;
    await primary.stop();
    const wiped = await testRegistry({ version: from, port });
    expect(wiped.url).toBe(primary.url);
    const ended = await sync();
    expect(ended.json).toMatchObject({ deleted: 0 });
    expect(difference(before, await walk(secondary.url))).toEqual([]);
  });
});
