import { beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { compareRepositories } from '../../src/replication/compare-repositories.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { POLICY } from '../support/policy.ts';
import { replicate, sitePair } from './pair.ts';
import { contentFile } from './storage.ts';

describe('compareRepositories', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 3 })]);
  });

  it('gives the pages of those that are equal, and none of the others', async () => {
    const site = sitePair(primary.url, secondary.url);
    for (const repository of ['equal', 'lacks', 'moved', 'lost', 'extra']) {
      await pushImage(primary.url, repository, 'v1');
      await replicate(site, repository);
    }
    await pushImage(primary.url, 'lacks', 'v2');
    await pushImage(primary.url, 'moved', 'v1', { label: 'another' });
    await pushImage(secondary.url, 'extra', 'mine');
    const lost = await pushImage(primary.url, 'lost', 'v1', { label: 'lost' });
    await replicate(site, 'lost');
    await rm(contentFile(primary, lost.digest));
    await primary.restart();
    await pushImage(primary.url, 'new', 'v1');
    const names = ['equal', 'lacks', 'moved', 'lost', 'extra', 'new', 'absent', 'NOT A NAME'];
    const { equal, left } = await compareRepositories(sitePair(primary.url, secondary.url), POLICY, names, 3);
    expect(equal).toMatchObject([
      { repository: 'equal', page: { tags: [{ tag: 'v1', same: true }], extra: [], failures: [], excluded: 0 } },
      // What only the secondary holds is for the ledger to judge.
      { repository: 'extra', page: { tags: [{ tag: 'v1', same: true }], extra: ['mine'] } },
    ]);
    expect(left).toEqual([]);
  });

  it('asks for no tag where the lists tell that something lacks', async () => {
    const source = await quirkProxy(primary.url);
    for (const tag of ['v1', 'v2', 'v3']) await pushImage(primary.url, 'first', tag);
    const { equal } = await compareRepositories(sitePair(source.url, secondary.url), POLICY, ['first'], 1);
    expect(equal).toEqual([]);
    expect(source.seen.filter(({ path }) => path.includes('/manifests/'))).toEqual([]);
  });
});
