import { beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import type { Digest } from '../../src/model/digest.ts';
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
    const { equal, left } = await compareRepositories(sitePair(primary.url, secondary.url), POLICY, names, { concurrency: 3 });
    expect(equal).toMatchObject([
      { repository: 'equal', page: { tags: [{ tag: 'v1', same: true }], extra: [], failures: [], excluded: 0 } },
      // What only the secondary holds is for the ledger to judge.
      { repository: 'extra', page: { tags: [{ tag: 'v1', same: true }], extra: ['mine'] } },
    ]);
    expect(left).toEqual([]);
    const whole = await compareRepositories(sitePair(primary.url, secondary.url), POLICY, names, { concurrency: 3, whole: true });
    expect(whole.equal.map(({ repository }) => repository)).toEqual(['equal']);
    // Of one that lost content, and of what the secondary alone has, its own workflow says what is to be said.
    expect(whole.differing.toSorted((a, b) => (a.repository < b.repository ? -1 : 1))).toMatchObject([
      {
        repository: 'lacks',
        page: {
          tags: [
            { tag: 'v1', same: true },
            { tag: 'v2', same: false },
          ],
        },
      },
      { repository: 'moved', page: { tags: [{ tag: 'v1', same: false }] } },
      { repository: 'new', page: { tags: [{ tag: 'v1', same: false }] } },
    ]);
  });

  it('reads what lacks, for it is brought over next', async () => {
    const source = await quirkProxy(primary.url);
    const site = sitePair(source.url, secondary.url);
    const { digest } = await pushImage(primary.url, 'ahead', 'v1');
    const { differing } = await compareRepositories(site, POLICY, ['ahead'], { concurrency: 1, whole: true });
    expect(differing).toMatchObject([{ page: { tags: [{ tag: 'v1', digest, same: false }] } }]);
    expect(source.seen.filter(({ path }) => path.includes('/manifests/')).map(({ method }) => method)).toEqual(['GET']);
    expect(site.manifests.get('ahead', digest as Digest)).toBeDefined();
  });

  it('asks for no tag of one in which the secondary alone has something: its own workflow lists it anew', async () => {
    const source = await quirkProxy(primary.url);
    for (const tag of ['v1', 'v2']) await pushImage(primary.url, 'strange', tag);
    await pushImage(secondary.url, 'strange', 'mine');
    const whole = await compareRepositories(sitePair(source.url, secondary.url), POLICY, ['strange'], { concurrency: 1, whole: true });
    expect(whole).toMatchObject({ equal: [], differing: [], left: [] });
    expect(source.seen.filter(({ path }) => path.includes('/manifests/'))).toEqual([]);
  });

  it('asks for no tag where the lists tell that something lacks', async () => {
    const source = await quirkProxy(primary.url);
    for (const tag of ['v1', 'v2', 'v3']) await pushImage(primary.url, 'first', tag);
    const { equal } = await compareRepositories(sitePair(source.url, secondary.url), POLICY, ['first'], { concurrency: 1 });
    expect(equal).toEqual([]);
    expect(source.seen.filter(({ path }) => path.includes('/manifests/'))).toEqual([]);
  });
});
