import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { syncImageId } from '../../src/model/names.ts';
import { parseReference } from '../../src/model/reference.ts';
import { listRepositories } from '../../src/registry/catalog.ts';
import { deleteManifest, getManifest, headManifest } from '../../src/registry/manifests.ts';
import { listTagDigests, listTags } from '../../src/registry/tags.ts';
import { startUpload } from '../../src/registry/uploads.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { policyOf } from '../ledger/support.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { failureOf, testSession } from './support/sessions.ts';

const HOSTILE = [
  '../../v2/_catalog',
  '..',
  'a/../../b',
  'a//b',
  'a/',
  'A',
  'a b',
  'a?x=1',
  'a#x',
  'a%2f..',
  'a\\b',
  '<script>',
  "a'; --",
  'a\u202eb',
  'é',
];
const UNCARRIABLE = ['a\0b', 'a\nb', 'a\u001b[2Jb', '\ud800', 'a'.repeat(2_000)];

/*
 * Names from outside, before they reach a path, a query, a page or an id. Those of events, of commands and of the API are in the tests of these rooms.
 */
describe('a name that the specification does not allow', () => {
  let proxy: QuirkProxy;
  beforeAll(async () => {
    proxy = await quirkProxy((await testRegistry({ version: 3 })).url);
  });
  beforeEach(() => proxy.reset());
  const open = () => testSession(proxy.url);

  it.each(HOSTILE)('is no repository, and is not asked for: %s', async (name) => {
    const site = {} as Site;
    expect(() => routeOf(site, { policy: policyOf('eu'), repository: name })).toThrow(expect.objectContaining({ code: 'NAME' }));
    expect(parseReference(`${name}:v1`)).toBeUndefined();
  });

  // A tag and a repository may differ in what they allow: these are none in either place once they would change the path.
  it.each(HOSTILE.filter((name) => !/^A$|^a\/$|^a\/\/b$/.test(name)))('is never sent in a path: %s', async (name) => {
    const asked = [headManifest(open(), 'a/b', name), getManifest(open(), name, 'v1'), startUpload(open(), name)];
    asked.push(deleteManifest(open(), name, `sha256:${'a'.repeat(64)}`) as never);
    for (const one of asked) expect(await failureOf(one)).toMatchObject({ code: 'NAME', retry: 'never' });
    expect(proxy.count()).toBe(0);
  });

  it.each(UNCARRIABLE)('makes a list none where it could be neither stored nor shown: %j', async (name) => {
    const refused = { code: 'LISTING', message: expect.stringMatching(/^\P{Cc}*can be no name$/u) };
    proxy.rules.push({ answer: { status: 200, body: JSON.stringify({ tags: ['v1', name], repositories: ['a', name] }) } });
    expect(await failureOf(listTags(open(), 'a/b'))).toMatchObject(refused);
    expect(await failureOf(listTagDigests(open(), 'a/b'))).toMatchObject(refused);
    expect(await failureOf(listRepositories(open(), { limit: 10 }))).toMatchObject(refused);
  });

  it('fails for itself alone where a list holds it', async () => {
    proxy.rules.push({ answer: { status: 200, body: JSON.stringify({ tags: ['v1', '<script>'] }) } });
    expect(await listTags(open(), 'a/b')).toEqual(['<script>', 'v1']);
  });

  it('makes no id longer than Temporal stores', () => {
    for (const name of [...HOSTILE, ...UNCARRIABLE.filter((one) => !/\p{Cs}/u.test(one))])
      expect(Buffer.byteLength(syncImageId('eu', name, name))).toBeLessThanOrEqual(200);
  });
});
