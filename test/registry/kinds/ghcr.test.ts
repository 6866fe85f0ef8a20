import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Digest } from '../../../src/model/digest.ts';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { ghcr } from '../../../src/registry/kinds/ghcr/index.ts';
import type { Session } from '../../../src/registry/session.ts';
import { listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { untag } from '../../../src/replication/untag.ts';
import { replicate, route } from '../../replication/pair.ts';
import { ghcrCloud } from '../../support/clouds/ghcr.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { pushImage, pushManifest } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { expectTokensRenewed } from '../support/expect-tokens-renewed.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: ghcr', () => {
  const auth: Endpoint['auth'] = { type: 'basic', username: 'anybody', password: 'ghp_1' };
  let registry: EmbeddedRegistry;
  let cloud: Awaited<ReturnType<typeof ghcrCloud>>;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(cloud.url, { kind: 'ghcr', auth, api: { url: cloud.url }, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await ghcrCloud(registry.url);
    cloud.rules.organizations.add('acme');
    cloud.rules.users.add('alice');
    for (const repository of ['acme/app', 'acme/deep/app', 'alice/tool', 'bob/tool']) await pushImage(registry.url, repository, 'v1');
  });

  it('comes in by the tokens of its service, renews what ends, and is turned away without', async () => {
    await expectTokensRenewed(open, cloud.gate, 'acme/app');
    cell('ghcr', 'auth');
  });

  it('lists the packages of organizations and users as /v2/ names them', async () => {
    expect(await allRepositories(open({ namespaces: ['Acme', 'alice'] }))).toEqual(['acme/app', 'acme/deep/app', 'alice/tool']);
    cell('ghcr', 'list');
  });

  it('says what is wrong instead of an empty list', async () => {
    expect(await failureOf(allRepositories(open()))).toMatchObject({ code: 'NOT_FOUND', message: /in its namespaces$/ });
    expect(await failureOf(allRepositories(open({ namespaces: ['nobody'] })))).toMatchObject({ code: 'NOT_FOUND', message: /user nobody/ });
    const anonymous = open({ namespaces: ['acme'], auth: { type: 'none' } });
    expect(await failureOf(allRepositories(anonymous))).toMatchObject({ code: 'CONFIG', message: /read:packages/ });
    const wrong = open({ namespaces: ['acme'], api: { url: cloud.url, token: 'wrong' } });
    expect(await failureOf(allRepositories(wrong))).toMatchObject({ code: 'UNAUTHORIZED', message: /Bad credentials/ });
    cloud.rules.stuck = true;
    expect(await failureOf(allRepositories(open({ namespaces: ['acme'] })))).toMatchObject({ code: 'LISTING', message: /in a circle/ });
    cloud.rules.stuck = false;
  });

  it('knows the digests of many tags by few pages, and what has no tag', async () => {
    const made = await makeManyTags(registry, 'acme/deep/many', 99);
    const lone = await pushImage(registry.url, 'acme/deep/many', 'x', { untagged: true, label: 'lone' });
    cloud.rules.untagged.push({ repository: 'acme/deep/many', digest: lone.digest });
    const before = cloud.seen.length;
    expect([...((await listTagDigests(open(), 'acme/deep/many')) ?? [])]).toEqual([...made]);
    expect(cloud.seen.slice(before).filter((one) => one.includes('/versions'))).toHaveLength(1);
    expect(await ghcr.listUntagged?.(open(), 'acme/deep/many')).toEqual([lone.digest]);
  });

  describe('as a secondary', () => {
    let primary: EmbeddedRegistry;

    beforeAll(async () => {
      primary = await testRegistry({ version: 3 });
    });

    it('gets large blobs as one PUT, since it refuses a large PATCH', async () => {
      const image = await pushImage(primary.url, 'acme/large', 'v1', { layers: [5 * 1024 * 1024] });
      const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
      const { published } = await replicate(site, 'acme/large');
      expect(published.map(({ failure }) => failure)).toEqual([undefined]);
      expect((await manifestOf(registry.url, 'acme/large', 'v1')).digest).toBe(image.digest);
      expect(cloud.count(/^PATCH/)).toBe(0);
      cell('ghcr', 'copy');
      cell('ghcr', 'resume', 'sent again');
    });

    it('loses one of two tags by a placeholder that its packages API deletes', async () => {
      await pushImage(primary.url, 'acme/shared', 'keep');
      const image = await pushImage(registry.url, 'acme/shared', 'keep', { label: 'both' });
      await pushManifest(registry.url, 'acme/shared', 'gone', image.bytes, image.mediaType);
      const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
      expect(await untag(route(site, 'acme/shared'), 'gone', image.digest as Digest, [])).toEqual({ result: 'deleted' });
      expect(await tagsOf(registry.url, 'acme/shared')).toEqual(['keep']);
      expect((await manifestOf(registry.url, 'acme/shared', 'keep')).digest).toBe(image.digest);
      cell('ghcr', 'delete', 'by a placeholder');
    });

    it('keeps what its token may not delete, in its words', async () => {
      cloud.rules.deletes = false;
      const image = await pushImage(registry.url, 'acme/shared', 'lone', { label: 'lone' });
      const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
      const deleting = untag(route(site, 'acme/shared'), 'lone', image.digest as Digest, []);
      expect(await failureOf(deleting)).toMatchObject({ code: 'DENIED', message: /delete:packages/ });
      expect((await tagsOf(registry.url, 'acme/shared'))?.includes('lone')).toBe(true);
      cloud.rules.deletes = true;
    });
  });
});
