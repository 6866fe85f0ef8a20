import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { ping } from '../../../src/registry/ping.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { zotCloud } from '../../support/clouds/zot.ts';
import { pushCosign, pushImage, pushManifest } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: zot', () => {
  const auth: Endpoint['auth'] = { type: 'basic', username: 'me', password: 'secret' };
  let registry: EmbeddedRegistry;
  let cloud: Awaited<ReturnType<typeof zotCloud>>;
  const open = (changes: Partial<Endpoint> = {}): Session => testSession(cloud.url, { kind: 'zot', auth, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await zotCloud(registry.url);
  });

  it('comes in with a user and a password, and is turned away without', async () => {
    await ping(open());
    expect(await failureOf(ping(open({ auth: { type: 'none' } })))).toMatchObject({ code: 'UNAUTHORIZED' });
    cell('zot', 'auth');
  });

  it('lists 1,000 tags with their digests in 2 requests', async () => {
    const made = await makeManyTags(registry, 'acme/many', 999);
    const session = open();
    await allRepositories(session);
    const before = cloud.seen.length;
    expect([...((await listTagDigests(session, 'acme/many')) ?? [])]).toEqual([...made]);
    expect(cloud.seen.slice(before)).toEqual([expect.stringMatching(/tags\/list/), expect.stringMatching(/_zot\/ext\/search\?query=/)]);
    cell('zot', 'list');
  });

  it('knows of signatures, which its search leaves out', async () => {
    const image = await pushImage(registry.url, 'acme/signed', 'v1');
    for (const tag of ['v2', 'v3', 'v4']) await pushManifest(registry.url, 'acme/signed', tag, image.bytes, image.mediaType);
    const signature = `${image.digest.replace(':', '-')}.sig`;
    await pushCosign(registry.url, 'acme/signed', image);
    const listed = await listTagDigests(open(), 'acme/signed');
    expect([...(listed?.keys() ?? [])]).toEqual([signature, 'v1', 'v2', 'v3', 'v4']);
    expect(listed?.get('v1')).toBe(image.digest);
    expect(listed?.get(signature)).toBeUndefined();
  });

  it('goes without the search where it is off, and asks for it only once', async () => {
    cloud.rules.search = false;
    const session = open();
    const before = cloud.seen.length;
    for (let n = 0; n < 2; n += 1) expect((await listTagDigests(session, 'acme/signed'))?.get('v1')).toBeUndefined();
    expect(cloud.seen.slice(before).filter((one) => one.includes('_zot'))).toHaveLength(1);
    cloud.rules.search = true;
  });

  it('is copied to, and loses one of two tags by name', async () => {
    const primary = await testRegistry({ version: 3 });
    const image = await pushImage(primary.url, 'acme/copied', 'a');
    await pushManifest(primary.url, 'acme/copied', 'b', image.bytes, image.mediaType);
    const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
    const { published } = await replicate(site, 'acme/copied');
    expect(published.map(({ failure }) => failure)).toEqual([undefined, undefined]);
    expect((await manifestOf(registry.url, 'acme/copied', 'b')).digest).toBe(image.digest);
    expect(await deleteTag(site.secondary, 'acme/copied', 'a')).toBe('deleted');
    expect(await tagsOf(registry.url, 'acme/copied')).toEqual(['b']);
    cell('zot', 'copy');
    cell('zot', 'delete');
  });
});
