import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { ping } from '../../../src/registry/ping.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { bundlebarCloud } from '../../support/clouds/bundlebar.ts';
import type { CloudFront } from '../../support/clouds/front.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { pushImage } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: bundlebar, which is oci by another name', () => {
  let registry: EmbeddedRegistry;
  let cloud: CloudFront;
  const auth: Endpoint['auth'] = { type: 'basic', username: 'acme', password: 'token' };
  const open = (changes: Partial<Endpoint> = {}): Session => testSession(cloud.url, { kind: 'bundlebar', auth, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await bundlebarCloud(registry.url, 'acme:token');
  });

  it('comes in with a user and a token', async () => {
    await ping(open());
    expect(await failureOf(ping(open({ auth: { type: 'none' } })))).toMatchObject({ code: 'UNAUTHORIZED' });
    cell('bundlebar', 'auth');
  });

  it('has no catalog, and says what to do', async () => {
    expect(await failureOf(allRepositories(open()))).toMatchObject({ code: 'NOT_FOUND', message: /name them in catalog$/ });
    expect(await allRepositories(open({ catalog: ['u/acme/b', 'u/acme/a'] }))).toEqual(['u/acme/a', 'u/acme/b']);
    cell('bundlebar', 'list', 'a configured catalog');
  });

  it('is copied to, and loses a tag by name', async () => {
    const primary = await testRegistry({ version: 3 });
    const small = await pushImage(primary.url, 'u/acme/app', 'small');
    const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
    const { published } = await replicate(site, 'u/acme/app');
    expect(published.map(({ failure }) => failure)).toEqual([undefined]);
    expect((await manifestOf(registry.url, 'u/acme/app', 'small')).digest).toBe(small.digest);
    expect(await deleteTag(site.secondary, 'u/acme/app', 'small')).toBe('deleted');
    expect(await tagsOf(registry.url, 'u/acme/app')).toEqual([]);
    cell('bundlebar', 'copy');
    cell('bundlebar', 'delete');
  });
});
