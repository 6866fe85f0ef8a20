import { createPrivateKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { gitlabCloud } from '../../support/clouds/gitlab.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { pushImage, pushManifest } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { makeKeyPair } from '../support/keys.ts';
import { allRepositories, failureOf, testSession } from '../support/sessions.ts';

describe('kind: gitlab', () => {
  const pair = makeKeyPair('p256');
  let registry: EmbeddedRegistry;
  let upstream: string;
  let cloud: Awaited<ReturnType<typeof gitlabCloud>>;
  const tokenKey: Endpoint['auth'] = { type: 'token-key', key: pair.key, issuer: 'omnibus-gitlab-issuer', service: 'container_registry' };
  const open = (changes: Partial<Endpoint> = {}): Session => testSession(cloud.url, { kind: 'gitlab', auth: tokenKey, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    upstream = registry.url;
    cloud = await gitlabCloud(upstream, pair.cert, 'container_registry');
    for (const repository of ['acme/app', 'acme/app/worker', 'acme/web', 'acme-too/app', 'other/app'])
      await pushImage(upstream, repository, 'v1');
  });

  it('lists 1,000 tags with their digests in one request, by tokens of its own key', async () => {
    const pushed = await makeManyTags(registry, 'acme/many', 1_000);
    const before = cloud.seen.length;
    const listed = await listTagDigests(open(), 'acme/many');
    expect([...(listed ?? [])]).toEqual([...pushed]);
    // The first token names its key by libtrust's id, which this registry knows.
    expect(cloud.seen.slice(before)).toEqual([expect.stringMatching(/^GET \/gitlab\/v1\/repositories\/acme\/many\/tags\/list\/\?n=1000$/)]);
    cell('gitlab', 'list');
    cell('gitlab', 'auth');
  });

  it('lists tags page by page, whatever host the registry calls itself by', async () => {
    const image = await pushImage(upstream, 'acme/app', 'v1');
    for (const tag of ['v2', 'v3', 'v4', 'v5']) await pushManifest(upstream, 'acme/app', tag, image.bytes, image.mediaType);
    cloud.rules.pageSize = 2;
    const before = cloud.seen.length;
    expect([...((await listTagDigests(open(), 'acme/app')) ?? [])]).toEqual(
      ['v1', 'v2', 'v3', 'v4', 'v5'].map((tag) => [tag, image.digest]),
    );
    expect(cloud.seen.length - before).toBe(3);
    cloud.rules.pageSize = 1_000;
    cloud.rules.stuck = true;
    expect(await failureOf(listTagDigests(open(), 'acme/app'))).toMatchObject({ code: 'LISTING', message: /in a circle/ });
    cloud.rules.stuck = false;
  });

  it('lists without the metadata database by tags/list, and asks for it only once', async () => {
    cloud.rules.database = false;
    const session = open();
    const before = cloud.seen.length;
    expect((await listTagDigests(session, 'acme/app'))?.get('v5')).toBeUndefined();
    expect([...((await listTagDigests(session, 'acme/web')) ?? [])]).toEqual([['v1', undefined]]);
    expect(cloud.seen.slice(before).filter((one) => one.includes('/gitlab/v1/'))).toHaveLength(1);
    cloud.rules.database = true;
  });

  it('knows a repository that is not there', async () => {
    expect(await listTagDigests(open(), 'acme/never')).toBeUndefined();
  });

  it('lists by _catalog without namespaces', async () => {
    const { repositories } = await listRepositories(open(), { limit: 100 });
    expect(repositories).toEqual(['acme/app', 'acme/app/worker', 'acme/many', 'acme/web', 'acme-too/app', 'other/app']);
  });

  it('lists what is below its namespaces, page by page, by tokens for all below them', async () => {
    cloud.rules.pageSize = 2;
    const session = open({ namespaces: ['acme', 'other'] });
    expect(await allRepositories(session)).toEqual(['acme/app', 'acme/app/worker', 'acme/many', 'acme/web', 'other/app']);
    cloud.rules.pageSize = 1_000;
  });

  it("lists a group and a project by GitLab's own API, with a token for that", async () => {
    const session = open({ namespaces: ['Acme', 'other/app'], api: { url: cloud.url, token: 'glpat-1' } });
    expect(await allRepositories(session)).toEqual(['acme/app', 'acme/app/worker', 'acme/many', 'acme/web', 'other/app']);
  });

  it('says what is wrong instead of an empty list', async () => {
    expect(await failureOf(allRepositories(open({ namespaces: ['nobody'] })))).toMatchObject({
      code: 'NOT_FOUND',
      message: /no namespace nobody/,
    });
    const lost = open({ namespaces: ['nobody'], api: { url: cloud.url, token: 'glpat-1' } });
    expect(await failureOf(allRepositories(lost))).toMatchObject({ code: 'NOT_FOUND', message: /no group or project of this name/ });
    const stranger = open({ namespaces: ['acme'], api: { url: cloud.url, token: 'wrong' } });
    expect(await failureOf(allRepositories(stranger))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await failureOf(allRepositories(open({ namespaces: ['acme'], api: { token: 'glpat-1' } })))).toMatchObject({ code: 'CONFIG' });
    cloud.rules.database = false;
    expect(await failureOf(allRepositories(open({ namespaces: ['acme'] })))).toMatchObject({
      code: 'UNSUPPORTED',
      message: /metadata database/,
    });
    cloud.rules.database = true;
    // A token of another key is refused, and nothing is taken for empty.
    const foreign = { ...tokenKey, key: makeKeyPair('p256').key };
    expect(await failureOf(listTagDigests(open({ auth: foreign }), 'acme/app'))).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it.each([true, false])('takes away one of two tags (by name: %s)', async (byName) => {
    cloud.rules.deletesByName = byName;
    const repository = `acme/untag-${byName}`;
    for (const tag of ['a', 'b']) await pushImage(upstream, repository, tag, { label: 'same', layers: [{ seed: 'same', size: 100 }] });
    const token = await grantAll(pair, repository);
    const session = open({ auth: { type: 'bearer', token } });
    expect(await deleteTag(session, repository, 'a')).toBe('deleted');
    expect(await tagsOf(upstream, repository)).toEqual(['b']);
    expect(session.capabilities.deleteTag).toBe(true);
    cell('gitlab', 'delete');
  });

  it('is copied to, by a token that may push', async () => {
    const primary = await testRegistry({ version: 3 });
    const image = await pushImage(primary.url, 'acme/copied', 'v1');
    const token = await grantAll(pair, 'acme/copied');
    const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open({ auth: { type: 'bearer', token } }));
    const { published } = await replicate(site, 'acme/copied');
    expect(published.map(({ failure }) => failure)).toEqual([undefined]);
    expect((await manifestOf(upstream, 'acme/copied', 'v1')).digest).toBe(image.digest);
    cell('gitlab', 'copy');
  });
});

/** A token as GitLab gives it to a user who may do everything with a project. */
async function grantAll(pair: { key: string }, name: string): Promise<string> {
  return new SignJWT({ access: [{ type: 'repository', name, actions: ['pull', 'push', 'delete'] }] })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
    .setIssuer('omnibus-gitlab-issuer')
    .setAudience('container_registry')
    .setExpirationTime('5m')
    .sign(createPrivateKey(pair.key));
}
