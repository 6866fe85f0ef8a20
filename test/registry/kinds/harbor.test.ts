import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import { tryPush } from '../../../src/processes/cli/doctor/try-push.ts';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { harbor } from '../../../src/registry/kinds/harbor/index.ts';
import { ensureRepository } from '../../../src/registry/repositories.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { probeAbsence } from '../../../src/registry/manifests.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { harborCloud } from '../../support/clouds/harbor.ts';
import { manifestOf, tagsOf } from '../../support/clouds/holdings.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { deleteManifest, pushImage, pushIndex, pushManifest } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { expectTokensRenewed } from '../support/expect-tokens-renewed.ts';
import { failureOf, testSession } from '../support/sessions.ts';

describe('kind: harbor', () => {
  const auth: Endpoint['auth'] = { type: 'basic', username: 'robot$twinport', password: 'secret' };
  let registry: EmbeddedRegistry;
  let cloud: Awaited<ReturnType<typeof harborCloud>>;
  const open = (changes: Partial<Endpoint> = {}): Session => testSession(cloud.url, { kind: 'harbor', auth, ...changes });

  beforeAll(async () => {
    registry = await testRegistry({ version: 3 });
    cloud = await harborCloud(registry.url);
    cloud.rules.projects.set('acme', {});
    for (const repository of ['acme/app', 'acme/deep/er/app']) await pushImage(registry.url, repository, 'v1');
  });

  it('comes in by the tokens of its service, renews what ends, and is turned away without', async () => {
    await expectTokensRenewed(open, cloud.gate, 'acme/app');
    cell('harbor', 'auth');
  });

  it('lists what its robot may see, by pages of 100, as /v2/ names it', async () => {
    for (let n = 0; n < 3; n += 1) await pushImage(registry.url, `elsewhere/app${n}`, 'v1');
    const { repositories, next } = await listRepositories(open(), { limit: 1_000 });
    expect(repositories).toEqual(['acme/app', 'acme/deep/er/app']);
    expect(next).toBeUndefined();
    cell('harbor', 'list');
  });

  it('says what to do where neither its API nor the catalog lists for these credentials', async () => {
    cloud.rules.lists = false;
    expect(await failureOf(listRepositories(open(), { limit: 10 }))).toMatchObject({
      code: 'UNAUTHORIZED',
      message: /name them in catalog/,
    });
    cloud.rules.lists = true;
  });

  it('asks for names by tags/list, and for the digests of 100 artifacts at once, slashes encoded twice', async () => {
    const made = await makeManyTags(registry, 'acme/deep/many', 247);
    const before = cloud.seen.length;
    expect([...((await listTagDigests(open(), 'acme/deep/many')) ?? [])]).toEqual([...made]);
    expect(cloud.seen.slice(before).filter((one) => one.includes('artifacts'))).toHaveLength(1);
    // A 401 and a token, one list of names, one page of artifacts: eight images hold the 247 tags.
    expect(cloud.seen.length - before).toBe(4);
  });

  it('goes without digests where the robot may not list artifacts', async () => {
    const image = await pushImage(registry.url, 'acme/app', 'v1');
    for (const tag of ['v2', 'v3', 'v4']) await pushManifest(registry.url, 'acme/app', tag, image.bytes, image.mediaType);
    cloud.rules.lists = false;
    expect([...((await listTagDigests(open(), 'acme/app')) ?? [])].map(([, digest]) => digest)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    cloud.rules.lists = true;
    expect((await listTagDigests(open(), 'acme/app'))?.get('v4')).toBe(image.digest);
  });

  it('lists what has no tag', async () => {
    const lone = await pushImage(registry.url, 'acme/app', 'x', { untagged: true, label: 'lone' });
    cloud.rules.untagged.push({ repository: 'acme/app', digest: lone.digest });
    expect(await harbor.listUntagged?.(open(), 'acme/app')).toEqual([lone.digest]);
  });

  it('takes away one of two tags, and leaves an immutable one with the words of Harbor', async () => {
    const image = await pushImage(registry.url, 'acme/deep/untag', 'a');
    for (const tag of ['b', 'c']) await pushManifest(registry.url, 'acme/deep/untag', tag, image.bytes, image.mediaType);
    const session = open();
    expect(await deleteTag(session, 'acme/deep/untag', 'a')).toBe('deleted');
    expect(await deleteTag(session, 'acme/deep/untag', 'a')).toBe('absent');
    cloud.rules.immutable.add('b');
    expect(await failureOf(deleteTag(session, 'acme/deep/untag', 'b'))).toMatchObject({ code: 'INVALID', message: /immutable/ });
    expect(await tagsOf(registry.url, 'acme/deep/untag')).toEqual(['b', 'c']);
    expect(session.capabilities.deleteTag).toBe(true);
    cloud.rules.deletesTags = false;
    expect(await failureOf(deleteTag(session, 'acme/deep/untag', 'c'))).toMatchObject({ code: 'DENIED' });
    cloud.rules.deletesTags = true;
    cell('harbor', 'delete');
  });

  it('knows absence by its own word', async () => {
    expect(await probeAbsence(open(), 'nowhere/app', 'v1')).toEqual({ absent: true, code: 'NOT_FOUND' });
    expect(await probeAbsence(open(), 'acme/app', 'nope')).toEqual({ absent: true, code: 'MANIFEST_UNKNOWN' });
  });

  describe('as a secondary', () => {
    let primary: EmbeddedRegistry;

    beforeAll(async () => {
      primary = await testRegistry({ version: 3 });
    });

    it('gets a project before the first push, once, as configured', async () => {
      const index = await pushIndex(primary.url, 'fresh/app', 'v1');
      const site = createSite(
        testSession(primary.url, { side: 'primary', name: 'primary' }),
        open({ create: { public: true, storageLimit: 5_000_000 } }),
      );
      const { published } = await replicate(site, 'fresh/app');
      expect(published.map(({ failure }) => failure)).toEqual([undefined]);
      expect(cloud.rules.projects.get('fresh')).toEqual({ public: 'true', storageLimit: 5_000_000 });
      expect((await manifestOf(registry.url, 'fresh/app', 'v1')).digest).toBe(index.digest);
      expect(cloud.count(/^POST \/api\/v2\.0\/projects/)).toBe(1);
      await deleteManifest(registry.url, 'fresh/app', index.digest);
      cell('harbor', 'copy');
    });

    it('says what lacks where its robot may not make a project', async () => {
      cloud.rules.createsProjects = false;
      expect(await failureOf(ensureRepository(open(), 'denied/app'))).toMatchObject({
        code: 'DENIED',
        message: /there is no project denied, and these credentials may not make one/,
      });
      await ensureRepository(open(), 'acme/app');
      cloud.rules.createsProjects = true;
      await ensureRepository(open({ create: false }), 'denied/app');
      expect(cloud.rules.projects.has('denied')).toBe(false);
    });

    it('is made ready by the doctor as by a sync', async () => {
      const parts = await tryPush(open(), 'probed/doctor', 'secondary eu', true);
      expect(parts.map(({ ok }) => ok)).toEqual([true, true]);
      expect(cloud.rules.projects.has('probed')).toBe(true);
    });

    it('says that a repository needs a project', async () => {
      expect(await failureOf(ensureRepository(open(), 'app'))).toMatchObject({ code: 'NAME', message: /mirror\/\{repository\}/ });
    });

    it('tells a full project as QUOTA', async () => {
      await pushImage(primary.url, 'acme/full', 'v1');
      cloud.rules.full = 'acme';
      const site = createSite(testSession(primary.url, { side: 'primary', name: 'primary' }), open());
      const { copied } = await replicate(site, 'acme/full');
      expect(copied?.failures.map(({ failure }) => failure.code)).toContain('QUOTA');
      cloud.rules.full = 'nobody';
    });
  });
});
