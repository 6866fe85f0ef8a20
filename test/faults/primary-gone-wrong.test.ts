import { expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage, pushManifest, type PushedImage } from '../support/images.ts';
import { quirkProxy, type QuirkRule } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const TAGS = Array.from({ length: 12 }, (_, n) => `v${String(n).padStart(2, '0')}`);

/** Two Distributions 3 with a proxy before the primary, and Twinport's own commands between them. */
async function pair() {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const [proxy, folder] = await Promise.all([quirkProxy(primary.url), workFolder()]);
  const site = new URL(secondary.url).host.replace(/[.:]/g, '-');
  return {
    ...{ primary, secondary, proxy, folder, site },
    sync: () => twinport(['sync', '--primary', proxy.url, '--secondary', secondary.url, '--json'], folder),
    command: (...args: string[]) => twinport([...args, '--site', site, '--json'], folder),
    equal: async () => difference(await walk(primary.url, { blobs: 'head' }), await walk(secondary.url, { blobs: 'head' })),
  };
}

const push = async ({ url }: EmbeddedRegistry, label: string): Promise<PushedImage[]> =>
  Promise.all(TAGS.map((tag) => pushImage(url, 'app', tag, { label: `${label} ${tag}` })));

const UNKNOWN = { status: 404, headers: { 'content-type': 'application/json' }, body: '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}' };
const json = (body: unknown) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const WRONG: Readonly<Record<string, QuirkRule>> = {
  'refuses everybody': { answer: { status: 401 } },
  'knows nothing': { path: /./, answer: UNKNOWN },
  'knows no manifest': { path: /manifests/, answer: UNKNOWN },
  'has no repositories': { path: /_catalog/, answer: json({ repositories: [] }) },
  'knows one of its two repositories no more': { path: /v2\/app\/manifests/, answer: UNKNOWN },
  'lists no tags': { path: /tags\/list/, answer: json({ name: 'app', tags: [] }) },
  fails: { path: /manifests|tags/, answer: { status: 503 } },
};

it('loses and changes nothing at the secondary when the primary goes wrong', async () => {
  const { primary, secondary, proxy, sync, equal } = await pair();
  await push(primary, 'first');
  for (const tag of TAGS) await pushImage(primary.url, 'other', tag, { label: `other ${tag}` });
  expect((await sync()).code).toBe(0);
  const before = await walk(secondary.url, { blobs: 'head' });
  for (const [how, rule] of Object.entries(WRONG)) {
    proxy.reset();
    proxy.rules.push(rule);
    const ended = await sync();
    expect({ how, deleted: ended.json['deleted'] ?? 0 }).toEqual({ how, deleted: 0 });
    expect({ how, lines: difference(before, await walk(secondary.url, { blobs: 'head' })) }).toEqual({ how, lines: [] });
  }
  proxy.reset();
  expect((await sync()).code).toBe(0);
  expect(await equal()).toEqual([]);
}, 600_000);

it('follows one tag that moves back at once, and a backup that moves many back when a person approves', async () => {
  const { primary, secondary, sync, command, equal } = await pair();
  const old = await push(primary, 'old');
  expect((await sync()).code).toBe(0);
  await push(primary, 'new');
  expect((await sync()).code).toBe(0);
  const back = async (from: number, to: number): Promise<void> => {
    for (const [at, { bytes, mediaType }] of [...old.entries()].slice(from, to))
      await pushManifest(primary.url, 'app', TAGS[at] ?? '', bytes, mediaType);
  };
  // One is a rollback.
  await back(0, 1);
  expect((await sync()).code).toBe(0);
  expect(await equal()).toEqual([]);

  const before = (await walk(secondary.url, { blobs: 'head' })).tags;
  await back(1, 12);
  const held = await sync();
  expect(held.code).toBe(1);
  expect(held.json).toMatchObject({ images: 12, verified: 1, pending: 11 });
  expect(held.stderr).toMatch(/11 moves wait for a person; "twinport moves list/);
  expect((await walk(secondary.url, { blobs: 'head' })).tags).toEqual(before);
  const list = await command('moves', 'list');
  expect(list.stdout.trim().split('\n')).toHaveLength(11);
  expect((await command('moves', 'approve', '--all')).json).toMatchObject({ count: 11 });
  expect((await sync()).code).toBe(0);
  expect(await equal()).toEqual([]);
}, 180_000);
