import { beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { compareRepository } from '../../src/replication/compare.ts';
import { deleteManifest, pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { POLICY } from '../support/policy.ts';
import { replicate, route, sitePair } from './pair.ts';
import { contentFile } from './storage.ts';

describe.each([2, 3] as const)('comparing with a primary of Distribution %i', (version) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version }), testRegistry({ version: 3 })]);
  });

  it('takes a tag that the primary lists and cannot read for lost content, not for a deletion', async () => {
    await pushImage(primary.url, 'lost', 'v1');
    const lost = await pushImage(primary.url, 'lost', 'v2');
    await replicate(sitePair(primary.url, secondary.url), 'lost');
    await rm(contentFile(primary, lost.digest));
    await primary.restart();
    const page = await compareRepository(route(sitePair(primary.url, secondary.url), 'lost'), POLICY, undefined, 1_000);
    expect(page.tags.map(({ tag }) => tag)).toEqual(['v1']);
    expect(page.failures).toMatchObject([{ tag: 'v2', failure: { code: 'NOT_FOUND', retry: 'later' } }]);
  });

  it('takes a repository that it does not know once for unknown only if it says so twice', async () => {
    await pushImage(primary.url, 'known', 'v1');
    const source = await quirkProxy(primary.url);
    const unknown = { status: 404, headers: { 'content-type': 'application/json' }, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' };
    source.rules.push({ path: /tags\/list/, answer: unknown, times: 1 });
    const way = route(sitePair(source.url, secondary.url), 'known');
    expect(await compareRepository(way, POLICY, undefined, 1_000)).toMatchObject({ tags: [{ tag: 'v1' }] });
    source.rules.push({ path: /tags\/list/, answer: unknown });
    expect(await compareRepository(way, POLICY, undefined, 1_000)).toMatchObject({ tags: [], absent: true });
  });

  it('takes a tag that is deleted between the list and the look for deleted', async () => {
    await pushImage(primary.url, 'race', 'v1');
    const gone = await pushImage(primary.url, 'race', 'v2');
    const source = await quirkProxy(primary.url);
    let deleted: Promise<void> | undefined;
    source.rules.push({ path: /manifests\/v2/, onRequest: () => (deleted ??= deleteManifest(primary.url, 'race', gone.digest)) });
    const page = await compareRepository(route(sitePair(source.url, secondary.url), 'race'), POLICY, undefined, 1_000);
    expect(page).toMatchObject({ failures: [], tags: [{ tag: 'v1' }] });
  });
});

it('pages through what only the secondary has as well, so that it fits a payload', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 2 })]);
  for (const tag of ['b', 'd']) await pushImage(primary.url, 'app', tag);
  for (const tag of ['a1', 'a2', 'a3', 'c1', 'e1', 'e2', 'e3']) await pushImage(secondary.url, 'app', tag);
  const way = route(sitePair(primary.url, secondary.url), 'app');
  const pages: [string[], string[]][] = [];
  let after: string | undefined;
  do {
    const page = await compareRepository(way, POLICY, after, 2);
    pages.push([page.tags.map(({ tag }) => tag), [...page.extra]]);
    after = page.next;
  } while (after !== undefined);
  expect(pages.flatMap(([tags]) => tags)).toEqual(['b', 'd']);
  expect(pages.flatMap(([, extra]) => extra)).toEqual(['a1', 'a2', 'a3', 'c1', 'e1', 'e2', 'e3']);
  expect(Math.max(...pages.map(([, extra]) => extra.length))).toBeLessThanOrEqual(2);
});
