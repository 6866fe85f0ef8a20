import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { ping } from '../../../src/registry/ping.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { jfrogCloud, KEY } from '../../support/clouds/jfrog.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { pushImage, pushIndex } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: jfrog, by the path of a repository key', () => {
  const auth: Endpoint['auth'] = { type: 'basic', username: 'me', password: 'secret' };
  let registry: EmbeddedRegistry;
  let cloud: Awaited<ReturnType<typeof jfrogCloud>>;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(`${cloud.url}/artifactory/api/docker/${KEY}`, { kind: 'jfrog', auth, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await jfrogCloud(registry.url);
  });

  it('comes in with a user and a password, and is turned away without', async () => {
    await ping(open());
    expect(await failureOf(ping(open({ auth: { type: 'none' } })))).toMatchObject({ code: 'UNAUTHORIZED' });
    cell('jfrog', 'auth');
  });

  it('lists 1,000 tags with their digests in 2 requests', async () => {
    const made = await makeManyTags(registry, 'acme/many', 999);
    const session = open();
    expect(await allRepositories(session)).toEqual(['acme/many']);
    const before = cloud.seen.length;
    expect([...((await listTagDigests(session, 'acme/many')) ?? [])]).toEqual([...made]);
    expect(cloud.seen.slice(before)).toEqual([
      expect.stringContaining(`/artifactory/api/docker/${KEY}/v2/acme/many/tags/list`),
      'POST /artifactory/api/search/aql',
    ]);
    cell('jfrog', 'list');
  });

  it('follows pages below the path', async () => {
    for (const name of ['a', 'b', 'c']) await pushImage(registry.url, `acme/${name}`, 'v1');
    const session = open();
    const first = await listRepositories(session, { limit: 3 });
    expect(first).toMatchObject({ repositories: ['acme/a', 'acme/b', 'acme/c'], next: 'acme/c' });
    expect(await listRepositories(session, { limit: 3, after: first.next })).toEqual({ repositories: ['acme/many'] });
  });

  it('tells the digests of indexes, and nothing of repositories below', async () => {
    const index = await pushIndex(registry.url, 'acme/app', 'v1');
    for (const tag of ['v2', 'v3', 'v4']) await pushImage(registry.url, 'acme/app', tag);
    await pushImage(registry.url, 'acme/app/worker', 'v1');
    expect((await listTagDigests(open(), 'acme/app'))?.get('v1')).toBe(index.digest);
  });

  it('goes without where the user may not search, or the key is not known', async () => {
    cloud.rules.searches = false;
    expect((await listTagDigests(open(), 'acme/app'))?.get('v1')).toBeUndefined();
    cloud.rules.searches = true;
    const direct = testSession(registry.url, { kind: 'jfrog', auth });
    expect((await listTagDigests(direct, 'acme/app'))?.get('v1')).toBeUndefined();
  });

  it('is copied to below its path, and loses a tag by name', async () => {
    const primary = await testRegistry({ version: 3 });
    const image = await pushImage(primary.url, 'acme/copied', 'v1', { layers: [3_000_000] });
    const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
    const { published } = await replicate(site, 'acme/copied');
    expect(published.map(({ failure }) => failure)).toEqual([undefined]);
    expect((await manifestOf(registry.url, 'acme/copied', 'v1')).digest).toBe(image.digest);
    expect(await deleteTag(site.secondary, 'acme/copied', 'v1')).toBe('deleted');
    expect(await tagsOf(registry.url, 'acme/copied')).toEqual([]);
    // Nothing was asked for outside the path.
    expect(cloud.seen.filter((one) => !one.includes(' /artifactory/api/'))).toEqual([]);
    cell('jfrog', 'copy');
    cell('jfrog', 'delete');
  });
});
