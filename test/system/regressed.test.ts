import { expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const TAGS = Array.from({ length: 12 }, (_, n) => `v${String(n).padStart(2, '0')}`);

/** Two Distributions 3, and Twinport's own commands between them. */
async function pair() {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const folder = await workFolder();
  const site = new URL(secondary.url).host.replace(/[.:]/g, '-');
  return {
    ...{ primary, secondary, folder, site },
    sync: () => twinport(['sync', '--primary', primary.url, '--secondary', secondary.url, '--json'], folder),
    command: (...args: string[]) => twinport([...args, '--site', site, '--json'], folder),
    equal: async () => difference(await walk(primary.url, { blobs: 'head' }), await walk(secondary.url, { blobs: 'head' })),
  };
}

const push = async ({ url }: EmbeddedRegistry, label: string): Promise<unknown> =>
  Promise.all(TAGS.map((tag) => pushImage(url, 'app', tag, { label: `${label} ${tag}` })));

it('follows no other registry behind the primary’s name until a person says so, but takes its new tags over', async () => {
  const { primary, secondary, sync, command, equal } = await pair();
  await push(primary, 'first');
  expect((await sync()).code).toBe(0);
  const before = (await walk(secondary.url, { blobs: 'head' })).tags['app'];

  const { port } = primary;
  await primary.stop();
  const other = await testRegistry({ version: 3, port });
  expect(other.url).toBe(primary.url);
  await push(other, 'other');
  await pushImage(other.url, 'app', 'new');
  const held = await sync();
  expect(held.code).toBe(1);
  expect(held.json).toMatchObject({ images: 13, verified: 1, pending: 12, deleted: 0 });
  expect(held.stderr).toMatch(/held: primary regressed: it lacks 12 of 12 digests .* "twinport primary approve --site/);
  expect((await walk(secondary.url, { blobs: 'head' })).tags['app']).toEqual({ ...before, new: expect.any(String) });
  expect((await command('status')).json).toMatchObject({
    ...{ ready: false, reason: expect.stringMatching(/^held: primary regressed/), regressed: { state: 'held', sampled: 12, missing: 12 } },
  });

  expect((await command('primary', 'approve')).code).toBe(0);
  expect((await sync()).code).toBe(0);
  expect(await equal()).toEqual([]);
  expect((await command('status')).json).toMatchObject({ regressed: { state: 'approved' } });
});
