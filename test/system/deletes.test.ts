import { expect, it } from '@jest/globals';
import { deleteManifest, pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const TAGS = Array.from({ length: 30 }, (_, n) => `t${String(n).padStart(2, '0')}`);

/*
 * One story, of five runs: each starts a whole system, and what one of them leaves is what the next one finds.
 */
it.each([
  [2, 2],
  [3, 3],
] as const)(
  'from Distribution %i to %i: what the primary lost goes, much of it once a person approved; nothing that is foreign or needed, nor all at once',
  async (from, to) => {
    const [primary, secondary, folder] = await Promise.all([testRegistry({ version: from }), testRegistry({ version: to }), workFolder()]);
    const proxy = await quirkProxy(secondary.url);
    const sync = () => twinport(['sync', '--primary', primary.url, '--secondary', proxy.url, '--json'], folder);
    const equal = async () => difference(await walk(primary.url), await walk(secondary.url));
    const digests: string[] = [];
    for (const [n, tag] of TAGS.entries()) digests.push((await pushImage(primary.url, 'app', tag, { layers: [100 + n] })).digest);
    const old = { layers: [{ seed: 'old', size: 500 }], label: 'old' };
    const shared = await pushImage(primary.url, 'named', 'v1', old);
    await pushImage(primary.url, 'named', 'latest', old);

    // What the primary loses in the moment in which it is put: it was asked for the last time, and the tag is on its way.
    await pushImage(primary.url, 'moment', 'stays');
    const late = await pushImage(primary.url, 'moment', 'late', { layers: [700] });
    proxy.rules.push({
      ...{ method: 'PUT', path: /\/moment\/manifests\/late/, times: 1, delayMs: 500 },
      onRequest: () => void deleteManifest(primary.url, 'moment', late.digest),
    });
    const first = await sync();
    expect(proxy.count('PUT', /\/moment\/manifests\/late/)).toBe(1);

    // One of 30 goes, its siblings stay. `latest` moves away from the digest that `v1` keeps.
    await deleteManifest(primary.url, 'app', digests[7] ?? '');
    await pushImage(primary.url, 'named', 'latest', { layers: [{ seed: 'new', size: 500 }], label: 'new' });
    const second = await sync();
    expect(second.code).toBe(0);
    expect(second.json).toMatchObject({ images: 32, verified: 32, held: 0, foreign: 0 });
    expect(Number(first.json['deleted']) + Number(second.json['deleted'])).toBe(2);
    expect(await equal()).toEqual([]);

    // 20 of 29 are held, in a run that moves nothing: before a move, so many that lack would be a regressed primary. What somebody else put there is not
    // ours.
    for (const digest of digests.slice(8, 28)) await deleteManifest(primary.url, 'app', digest);
    await pushImage(secondary.url, 'app', 'foreign');
    await pushImage(secondary.url, 'elsewhere', 'foreign');
    const held = await sync();
    expect(held.code).toBe(0);
    expect(held.json).toMatchObject({ images: 12, verified: 12, deleted: 0, held: 20, foreign: 1 });
    expect(Object.keys((await walk(secondary.url)).tags['app'] ?? {})).toHaveLength(30);

    const site = new URL(proxy.url).host.replace(/[.:]/g, '-');
    const list = await twinport(['deletions', 'list', '--site', site, '--json'], folder);
    expect(list.code).toBe(0);
    expect(list.stdout.trim().split('\n')).toHaveLength(20);
    expect(list.stdout).toMatch(/20 of 29/);
    const approved = await twinport(['deletions', 'approve', '--all', '--site', site, '--json'], folder);
    expect(approved.code).toBe(0);
    const gone = await sync();
    expect(gone.json).toMatchObject({ images: 12, deleted: 20, held: 0, foreign: 1 });
    const after = await walk(secondary.url);
    const { app, elsewhere, ...others } = after.tags;
    expect(app).toEqual({ ...(await walk(primary.url)).tags['app'], foreign: expect.any(String) });
    expect(elsewhere).toEqual({ foreign: expect.any(String) });
    expect(others['named']).toMatchObject({ v1: shared.digest });
    expect(after.manifests).toHaveProperty([`named@${shared.digest}`]);

    // A wiped disk: an empty registry at the same address takes nothing away.
    const { port } = primary;
    await primary.stop();
    const wiped = await testRegistry({ version: from, port });
    expect(wiped.url).toBe(primary.url);
    expect((await sync()).json).toMatchObject({ deleted: 0 });
    expect(difference(after, await walk(secondary.url))).toEqual([]);
  },
  300_000,
);
