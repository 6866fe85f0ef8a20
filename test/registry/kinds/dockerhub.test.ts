import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { hubCloud } from '../../support/clouds/dockerhub.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { pushImage } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { expectTokensRenewed } from '../support/expect-tokens-renewed.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: dockerhub', () => {
  const auth: Endpoint['auth'] = { type: 'basic', username: 'me', password: 'dckr_pat_1' };
  let registry: EmbeddedRegistry;
  let cloud: Awaited<ReturnType<typeof hubCloud>>;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(cloud.url, { kind: 'dockerhub', auth, api: { url: cloud.url }, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await hubCloud(registry.url);
    for (const namespace of ['acme', 'library']) cloud.rules.namespaces.add(namespace);
    for (const repository of ['acme/app', 'acme/web', 'library/busybox', 'other/app']) await pushImage(registry.url, repository, 'v1');
  });

  it('comes in by the tokens of its service, renews what ends, and is turned away without', async () => {
    await expectTokensRenewed(open, cloud.gate, 'acme/app');
    cell('dockerhub', 'auth');
  });

  it('lists namespaces, official images among them, by one login', async () => {
    expect(await allRepositories(open({ namespaces: ['Acme', 'library'] }))).toEqual(['acme/app', 'acme/web', 'library/busybox']);
    expect(cloud.rules.logins).toBe(1);
    cell('dockerhub', 'list');
  });

  it('says what is wrong instead of an empty list', async () => {
    expect(await failureOf(allRepositories(open()))).toMatchObject({ code: 'UNAUTHORIZED', message: /in its namespaces$/ });
    expect(await failureOf(allRepositories(open({ namespaces: ['nobody'] })))).toMatchObject({
      code: 'NOT_FOUND',
      message: /no namespace nobody/,
    });
    const wrong = open({ namespaces: ['acme'], auth: { type: 'basic', username: 'me', password: 'wrong' } });
    expect(await failureOf(allRepositories(wrong))).toMatchObject({ code: 'UNAUTHORIZED', message: /Incorrect authentication/ });
  });

  it('knows the digests of many tags by pages of 100, and asks for the others', async () => {
    const made = await makeManyTags(registry, 'acme/many', 249);
    cloud.rules.old.add('t0007');
    const before = cloud.seen.length;
    const listed = await listTagDigests(open(), 'acme/many');
    expect(listed?.get('t0007')).toBeUndefined();
    made.delete('t0007');
    expect([...(listed ?? [])].filter(([tag]) => tag !== 't0007')).toEqual([...made]);
    expect(cloud.seen.slice(before).filter((one) => one.includes('/repositories/many/tags'))).toHaveLength(3);
  });

  it('goes without digests where the Hub does not take the login of the registry', async () => {
    cloud.rules.closed = true;
    const listed = await listTagDigests(open(), 'acme/many');
    expect(listed?.size).toBe(249);
    expect(listed?.get('t0000')).toBeUndefined();
    // With a token of its own that is a mistake, and told.
    expect(await failureOf(listTagDigests(open({ api: { url: cloud.url, token: 'wrong' } }), 'acme/many'))).toMatchObject({
      code: 'UNAUTHORIZED',
    });
    cloud.rules.closed = false;
  });

  it('takes away one tag by name, and copies there', async () => {
    const primary = await testRegistry({ version: 3 });
    const image = await pushImage(primary.url, 'acme/copied', 'v1');
    const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
    const { published } = await replicate(site, 'acme/copied');
    expect(published.map(({ failure }) => failure)).toEqual([undefined]);
    expect((await manifestOf(registry.url, 'acme/copied', 'v1')).digest).toBe(image.digest);
    expect(await deleteTag(site.secondary, 'acme/copied', 'v1')).toBe('deleted');
    expect(await tagsOf(registry.url, 'acme/copied')).toEqual([]);
    cell('dockerhub', 'copy');
    cell('dockerhub', 'delete');
  });
});
