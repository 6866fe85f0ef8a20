import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { quayCloud } from '../../support/clouds/quay.ts';
import { pushImage, pushManifest } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { expectTokensRenewed } from '../support/expect-tokens-renewed.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: quay', () => {
  const auth: Endpoint['auth'] = { type: 'basic', username: 'acme+twinport', password: 'secret' };
  let registry: EmbeddedRegistry;
  let cloud: Awaited<ReturnType<typeof quayCloud>>;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(cloud.url, { kind: 'quay', auth, api: { token: 'oauth-1' }, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await quayCloud(registry.url);
    for (const repository of ['acme/app', 'acme/deep/app', 'acme/web', 'tools/app', 'other/app'])
      await pushImage(registry.url, repository, 'v1');
  });

  it('comes in by the tokens of its service, renews what ends, and is turned away without', async () => {
    await expectTokensRenewed(open, cloud.gate, 'acme/app');
    cell('quay', 'auth');
  });

  it('lists namespaces page by page', async () => {
    cloud.rules.pageSize = 2;
    expect(await allRepositories(open({ namespaces: ['acme', 'tools'] }))).toEqual(['acme/app', 'acme/deep/app', 'acme/web', 'tools/app']);
    expect(cloud.count(/\/api\/v1\/repository\?/)).toBe(3);
    cell('quay', 'list');
  });

  it('lists by _catalog without namespaces', async () => {
    expect(await allRepositories(open({ api: {} }))).toHaveLength(5);
  });

  it('says what is wrong instead of an empty list', async () => {
    expect(await failureOf(allRepositories(open({ namespaces: ['acme'], api: {} })))).toMatchObject({
      code: 'CONFIG',
      message: /api\.token/,
    });
    const wrong = open({ namespaces: ['acme'], api: { token: 'wrong' } });
    expect(await failureOf(allRepositories(wrong))).toMatchObject({ code: 'UNAUTHORIZED', message: /Invalid token/ });
    cloud.rules.pageSize = 1;
    cloud.rules.stuck = true;
    expect(await failureOf(allRepositories(open({ namespaces: ['acme'] })))).toMatchObject({ code: 'LISTING', message: /in a circle/ });
    cloud.rules.stuck = false;
  });

  it('knows the digests of many tags by pages of 100, with a token for that', async () => {
    const made = await makeManyTags(registry, 'acme/deep/many', 149);
    const before = cloud.seen.length;
    expect([...((await listTagDigests(open(), 'acme/deep/many')) ?? [])]).toEqual([...made]);
    expect(cloud.seen.slice(before).filter((one) => one.includes('/tag/'))).toHaveLength(2);
    expect((await listTagDigests(open({ api: {} }), 'acme/deep/many'))?.get('t0000')).toBeUndefined();
    // An API that is away costs more requests, and nothing else.
    const away = open({ api: { url: 'http://127.0.0.1:9', token: 'oauth-1' } });
    expect((await listTagDigests(away, 'acme/deep/many'))?.size).toBe(149);
    const wrong = open({ api: { token: 'wrong' } });
    expect(await failureOf(listTagDigests(wrong, 'acme/deep/many'))).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('takes away one of two tags by name, and tells of an immutable one', async () => {
    const image = await pushImage(registry.url, 'acme/untag', 'a');
    for (const tag of ['b', 'c']) await pushManifest(registry.url, 'acme/untag', tag, image.bytes, image.mediaType);
    cloud.rules.immutable.add('b');
    expect(await deleteTag(open(), 'acme/untag', 'a')).toBe('deleted');
    expect(await failureOf(deleteTag(open(), 'acme/untag', 'b'))).toMatchObject({ code: 'INVALID', codes: ['TAG_IMMUTABLE'] });
    expect(await tagsOf(registry.url, 'acme/untag')).toEqual(['b', 'c']);
    cell('quay', 'delete');
  });

  it('is copied to', async () => {
    const primary = await testRegistry({ version: 3 });
    const image = await pushImage(primary.url, 'acme/copied', 'v1');
    const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
    const { published } = await replicate(site, 'acme/copied');
    expect(published.map(({ failure }) => failure)).toEqual([undefined]);
    expect((await manifestOf(registry.url, 'acme/copied', 'v1')).digest).toBe(image.digest);
    cell('quay', 'copy');
  });
});
