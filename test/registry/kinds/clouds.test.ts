import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../../src/model/digest.ts';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { ecr } from '../../../src/registry/kinds/ecr/index.ts';
import { gar } from '../../../src/registry/kinds/gar/index.ts';
import { acr } from '../../../src/registry/kinds/acr/index.ts';
import { garPlace } from '../../../src/registry/kinds/gar/place.ts';
import { ecrPlace } from '../../../src/registry/auth/ecr-place.ts';
import { deleteManifest, headManifest } from '../../../src/registry/manifests.ts';
import { probeDelete } from '../../../src/registry/probe-delete.ts';
import { ensureRepository } from '../../../src/registry/repositories.ts';
import type { Session } from '../../../src/registry/session.ts';
import { deleteTag, listTagDigests } from '../../../src/registry/tags.ts';
import { createSite } from '../../../src/replication/site.ts';
import { replicate } from '../../replication/pair.ts';
import { acrFake, type AcrFake } from '../../support/clouds/acr.ts';
import { ecrFake, type EcrFake } from '../../support/clouds/ecr.ts';
import { garFake, type GarFake } from '../../support/clouds/gar.ts';
import { makeManyTags } from '../../support/clouds/many-tags.ts';
import { pushImage, pushIndex } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { failureOf, testSession } from '../support/sessions.ts';

const home = mkdtempSync(join(tmpdir(), 'twinport-kinds-'));
const before = { ...process.env };
/** The same image whatever its tag. */
const SAME = { layers: [{ seed: 'same', size: 100 }], label: 'same' };
const UNTAGGED = `sha256:${'ab'.repeat(32)}`;
let registry: EmbeddedRegistry;
let many: Map<string, string>;

beforeAll(async () => {
  registry = await testRegistry({ version: 3 });
  many = await makeManyTags(registry, 'p/r/many', 1_000);
});
afterAll(() => {
  process.env = before;
  rmSync(home, { recursive: true });
});

/** The SDKs read the environment themselves. */
function environment(env: Readonly<Record<string, string>>): void {
  process.env = { PATH: before['PATH'], HOME: home, METADATA_SERVER_DETECTION: 'assume-present', ...env };
}

async function requestsFor(session: Session, work: () => Promise<unknown>): Promise<number> {
  const from = session.counters.requests;
  await work();
  return session.counters.requests - from;
}

/** Brings an image and an index from another registry to the session's, and sees them there. */
async function copyTo(secondary: Session, repository: string): Promise<void> {
  const plain = await testRegistry({ version: 3 });
  const image = await pushImage(plain.url, repository, 'v1', { layers: [5_000_000, 20] });
  const index = await pushIndex(plain.url, repository, 'multi');
  const site = createSite(testSession(plain.url, { name: 'primary', side: 'primary' }), secondary);
  const { failures } = await replicate(site, repository);
  expect(failures).toEqual([]);
  expect(await headManifest(secondary, repository, 'v1')).toMatchObject({ digest: image.digest });
  expect(await headManifest(secondary, repository, 'multi')).toMatchObject({ digest: index.digest });
}

describe('kind: acr', () => {
  let fake: AcrFake;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(fake.url, { kind: 'acr', auth: { type: 'acr', credential: 'managed-identity' }, ...changes });
  beforeAll(async () => {
    fake = await acrFake(registry.url, 3600);
  });
  beforeEach(() => {
    environment(fake.env);
    fake.denied.clear();
    fake.pageSize = 1_000;
  });

  it('lists 1,000 tags with their digests in a few requests, also where it gives fewer a page', async () => {
    const session = open();
    expect(await requestsFor(session, async () => expect(await listTagDigests(session, 'p/r/many')).toEqual(many))).toBeLessThanOrEqual(5);
    fake.pageSize = 300;
    expect(await requestsFor(session, async () => expect(await listTagDigests(session, 'p/r/many')).toEqual(many))).toBeLessThanOrEqual(5);
    expect((await listRepositories(session, { limit: 1_000 })).repositories).toContain('p/r/many');
    cell('acr', 'list');
  });

  it('goes the general way where the token may not read metadata, and for a repository that is not there', async () => {
    fake.denied.add('metadata_read');
    const session = open();
    expect([...((await listTagDigests(session, 'p/r/many')) ?? [])].filter(([, digest]) => digest !== undefined)).toEqual([]);
    expect((await listTagDigests(session, 'p/r/many'))?.size).toBe(1_000);
    expect(await listTagDigests(session, 'p/r/none')).toBeUndefined();
    // What a pull asks for must not grow by it.
    expect(await headManifest(session, 'p/r/many', 't0000')).toBeDefined();
  });

  it('lists manifests without a tag', async () => {
    fake.untagged.set('p/r/many', [UNTAGGED]);
    expect(await acr.listUntagged?.(open(), 'p/r/many')).toEqual([UNTAGGED]);
  });

  it('takes content, and takes away one tag of two without the manifest', async () => {
    const session = open();
    await copyTo(session, 'acr/app');
    cell('acr', 'copy');
    const { digest } = await pushImage(registry.url, 'acr/two', 'a', SAME);
    await pushImage(registry.url, 'acr/two', 'b', SAME);
    expect(await deleteTag(session, 'acr/two', 'a')).toBe('deleted');
    expect(await headManifest(session, 'acr/two', 'a')).toBeUndefined();
    expect(await headManifest(session, 'acr/two', 'b')).toMatchObject({ digest });
    expect(await deleteTag(session, 'acr/two', 'b')).toBe('deleted');
    expect(await headManifest(session, 'acr/two', digest as Digest)).toBeDefined();
    expect(await deleteTag(session, 'acr/two', 'none')).toBe('absent');
    expect(fake.count('DELETE', /\/v2\//)).toBe(0);
    cell('acr', 'delete');
  });
});

describe('kind: ecr', () => {
  let fake: EcrFake;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(fake.url, { kind: 'ecr', auth: { type: 'ecr', region: 'eu-west-1' }, api: { url: fake.url }, ...changes });
  beforeAll(async () => {
    fake = await ecrFake(registry.url, 12 * 3600);
    fake.repositories.set('p/r/many', {});
  });
  beforeEach(() => {
    environment(fake.env);
    (fake.calls as unknown[]).length = 0;
    fake.denied.clear();
  });
  const called = (): string[] => fake.calls.map(({ operation }) => operation);

  it('knows account and region by the host', () => {
    const place = (url: string, more = {}) => ecrPlace({ url, auth: { type: 'ecr', ...more } });
    expect(place('https://123456789012.dkr.ecr.eu-west-1.amazonaws.com')).toEqual({
      public: false,
      fips: false,
      region: 'eu-west-1',
      registryId: '123456789012',
    });
    expect(place('https://123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com')).toMatchObject({ fips: true, region: 'us-gov-west-1' });
    expect(place('https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn')).toMatchObject({ region: 'cn-north-1' });
    expect(place('https://123456789012.dkr-ecr.eu-west-1.on.aws')).toMatchObject({ region: 'eu-west-1' });
    expect(place('https://public.ecr.aws')).toEqual({ public: true, fips: false, region: 'us-east-1' });
    expect(place('https://proxy.example.com', { region: 'eu-west-3', registryId: '210987654321' })).toMatchObject({
      region: 'eu-west-3',
      registryId: '210987654321',
    });
  });

  it('lists 1,000 tags with their digests in a few requests, and repositories by the API', async () => {
    const session = open();
    expect(await requestsFor(session, async () => expect(await listTagDigests(session, 'p/r/many')).toEqual(many))).toBeLessThanOrEqual(5);
    for (let n = 0; n < 3; n += 1) fake.repositories.set(`list/${n}`, {});
    const first = await listRepositories(session, { limit: 2 });
    expect(first.repositories).toEqual(['list/0', 'list/1']);
    expect((await listRepositories(session, { limit: 2, after: first.next })).repositories).toEqual(['list/2', 'p/r/many']);
    expect(await listTagDigests(session, 'p/r/none')).toBeUndefined();
    cell('ecr', 'list');
  });

  it('lists images without a tag', async () => {
    fake.untagged.set('p/r/many', [UNTAGGED]);
    expect(await ecr.listUntagged?.(open(), 'p/r/many')).toEqual([UNTAGGED]);
  });

  it('makes a repository before the first push, with its settings; and takes content by whole PUTs', async () => {
    const create = { immutableTags: true, scanOnPush: true, kmsKey: 'alias/mirror', tags: { team: 'dr' } };
    const session = open({ create });
    await copyTo(session, 'ecr/app');
    expect(called().filter((operation) => operation === 'CreateRepository')).toHaveLength(1);
    expect(fake.repositories.get('ecr/app')).toMatchObject({
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: 'KMS', kmsKey: 'alias/mirror' },
      tags: [{ Key: 'team', Value: 'dr' }],
    });
    expect(fake.count('PATCH', /./)).toBe(0);
    cell('ecr', 'copy');
  });

  it('leaves a repository that is there as it is, and says whose right lacks to make one', async () => {
    fake.repositories.set('ecr/there', { mine: true });
    await ensureRepository(open(), 'ecr/there');
    expect(fake.repositories.get('ecr/there')).toEqual({ mine: true });
    expect(called()).toEqual(['DescribeRepositories']);
    fake.denied.add('DescribeRepositories');
    await ensureRepository(open(), 'ecr/there');
    fake.denied.add('CreateRepository');
    expect(await failureOf(ensureRepository(open(), 'ecr/new'))).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/ECR's CreateRepository: AccessDeniedException: .*not authorized to perform: ecr:CreateRepository/),
    });
    expect(
      await failureOf(ensureRepository(open({ create: false }), 'ecr/new').then(() => replicateNothing(open({ create: false })))),
    ).toMatchObject({
      codes: ['NAME_UNKNOWN'],
    });
  });

  it('cannot move a tag of an immutable repository, and says so in the registry’s words', async () => {
    fake.repositories.set('ecr/fixed', { imageTagMutability: 'IMMUTABLE' });
    await pushImage(registry.url, 'ecr/fixed', 'v1', { label: 'old' });
    const plain = await testRegistry({ version: 3 });
    await pushImage(plain.url, 'ecr/fixed', 'v1', { label: 'new' });
    const site = createSite(testSession(plain.url, { name: 'primary', side: 'primary' }), open());
    const { published } = await replicate(site, 'ecr/fixed');
    expect(published).toMatchObject([{ state: 'failed', failure: { code: 'INVALID', retry: 'never' } }]);
    expect(published[0]?.failure?.message).toMatch(/TAG_INVALID.*cannot be overwritten because the repository is immutable/);
  });

  it('takes away one tag of two by name, and leaves an image’s last tag to the way that keeps the image', async () => {
    const session = open();
    fake.repositories.set('ecr/two', {});
    const { digest } = await pushImage(registry.url, 'ecr/two', 'a', SAME);
    await pushImage(registry.url, 'ecr/two', 'b', SAME);
    expect(await deleteTag(session, 'ecr/two', 'a')).toBe('deleted');
    expect(await headManifest(session, 'ecr/two', 'b')).toMatchObject({ digest });
    expect(await deleteTag(session, 'ecr/two', 'b')).toBe('unsupported');
    expect(await deleteTag(session, 'ecr/two', 'none')).toBe('absent');
    expect(await probeDelete(session, 'ecr/two')).toBe('allowed');
    fake.referenced.add(digest);
    expect(await failureOf(deleteManifest(session, 'ecr/two', digest as Digest))).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('ImageReferencedByManifestList'),
    });
    fake.referenced.clear();
    expect(await deleteManifest(session, 'ecr/two', digest as Digest)).toBe('deleted');
    expect(await deleteManifest(session, 'ecr/two', digest as Digest)).toBe('absent');
    cell('ecr', 'delete');
  });

  it('has `/v2/` alone without credentials of AWS', async () => {
    const { value } = fake.tokens.give();
    const session = open({ auth: { type: 'basic', username: 'AWS', password: value } });
    expect((await listTagDigests(session, 'p/r/many'))?.size).toBe(1_000);
    expect(called()).toEqual([]);
  });

  it('has another API for what is public, where names have the registry’s alias', async () => {
    await pushImage(registry.url, 'acme/app', 'v1');
    await pushImage(registry.url, 'other/app', 'v1');
    const own = await ecrFake(registry.url, 12 * 3600, 'acme');
    own.repositories.set('app', {});
    const session = testSession(own.url, { kind: 'ecr', auth: { type: 'ecr', public: true }, api: { url: own.url } });
    expect((await listRepositories(session, { limit: 10 })).repositories).toEqual(['acme/app']);
    expect([...((await listTagDigests(session, 'acme/app')) ?? [])]).toEqual([['v1', expect.stringMatching(/^sha256:/)]]);
    // Somebody else's repository of the same name is not ours.
    expect(await ecr.listTagDigests?.(session, 'other/app')).toBeUndefined();
    await copyTo(session, 'acme/copied');
    expect([...own.repositories.keys()]).toContain('copied');
    cell('ecr-public', 'list');
    cell('ecr-public', 'copy');
  });
});

describe('kind: gar', () => {
  let fake: GarFake;
  const open = (changes: Partial<Endpoint> = {}): Session =>
    testSession(fake.url, {
      kind: 'gar',
      auth: { type: 'gar' },
      api: { url: fake.url },
      namespaces: ['projects/p/locations/us'],
      ...changes,
    });
  beforeAll(async () => {
    fake = await garFake(registry.url, 3600);
    fake.packages.set('projects/p/locations/us/repositories/r', ['many', 'deep/er/app']);
    fake.packages.set('projects/p/locations/us/repositories/s', ['app']);
  });
  beforeEach(() => {
    environment(fake.env);
    fake.plainTags = false;
  });

  it('lists 1,000 tags with their digests in a few requests', async () => {
    const session = open();
    expect(await requestsFor(session, async () => expect(await listTagDigests(session, 'p/r/many')).toEqual(many))).toBeLessThanOrEqual(5);
    fake.plainTags = true;
    expect((await listTagDigests(session, 'p/r/many'))?.size).toBe(1_000);
    expect(await listTagDigests(session, 'p/r/none')).toBeUndefined();
    cell('gar', 'list');
  });

  it('lists manifests without a tag', async () => {
    fake.untagged.set('p/r/many', [UNTAGGED]);
    expect(await gar.listUntagged?.(open(), 'p/r/many')).toEqual([UNTAGGED]);
  });

  it('lists the images of a project by the API, a repository a page, and never believes its catalog', async () => {
    const all: string[] = [];
    const session = open();
    for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
      const page = await listRepositories(session, { limit: 1_000, after: next });
      all.push(...page.repositories);
      next = page.next;
    }
    expect(all).toEqual(['p/r/many', 'p/r/deep/er/app', 'p/s/app']);
    expect((await listRepositories(open({ namespaces: ['projects/p/locations/us/repositories/s'] }), { limit: 10 })).repositories).toEqual([
      'p/s/app',
    ]);
    for (const lacks of [{ namespaces: [] }, { auth: { type: 'none' } as const }, { namespaces: ['p'] }])
      expect(await failureOf(listRepositories(open(lacks), { limit: 10 }))).toMatchObject({
        code: 'CONFIG',
        message: expect.stringContaining('namespaces'),
      });
    expect(
      await failureOf(listRepositories(open({ namespaces: ['projects/nobody/locations/us/repositories/r'] }), { limit: 10 })),
    ).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('knows a host’s location', () => {
    expect(garPlace('europe-west4-docker.pkg.dev')).toEqual({ location: 'europe-west4' });
    expect(garPlace('eu.gcr.io')).toEqual({ location: 'europe', repository: 'eu.gcr.io' });
    expect(garPlace('registry.example.com')).toBeUndefined();
  });

  it('takes content by whole PUTs, and takes away a tag before its manifest', async () => {
    const session = open();
    await copyTo(session, 'p/r/app');
    expect(fake.count('PATCH', /./)).toBe(0);
    cell('gar', 'copy');
    const { digest } = await pushImage(registry.url, 'p/r/two', 'a', SAME);
    await pushImage(registry.url, 'p/r/two', 'b', SAME);
    expect(await deleteTag(session, 'p/r/two', 'a')).toBe('deleted');
    expect(await headManifest(session, 'p/r/two', 'b')).toMatchObject({ digest });
    cell('gar', 'delete');
  });
});

/** A push to a repository that nobody made. */
async function replicateNothing(session: Session): Promise<void> {
  const { startUpload } = await import('../../../src/registry/uploads.ts');
  await startUpload(session, 'ecr/new');
}
