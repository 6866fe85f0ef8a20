import { beforeAll, describe, expect, it } from '@jest/globals';
import { listRepositories } from '../../src/registry/catalog.ts';
import { nextLink } from '../../src/registry/links.ts';
import { listReferrers } from '../../src/registry/referrers.ts';
import type { Session } from '../../src/registry/session.ts';
import { listTags } from '../../src/registry/tags.ts';
import type { Digest } from '../../src/model/digest.ts';
import { pushImage, randomBytes } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { httpServer, json } from './support/http-server.ts';
import { failureOf, testSession } from './support/sessions.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `t${String(at).padStart(5, '0')}`);

/** How a server pages. */
interface Pager {
  total: number;
  /** The most it gives, whatever is asked. */
  clamp?: number;
  obeys: { n?: boolean; last?: boolean };
  link?: (last: string, n: number) => string;
  unsorted?: boolean;
}

async function lister(field: 'tags' | 'repositories', pager: Pager): Promise<{ session: Session; asked: string[] }> {
  const asked: string[] = [];
  const url = await httpServer((at, _, response) => {
    asked.push(at.search);
    const all = pager.unsorted ? names(pager.total).reverse() : names(pager.total);
    const last = at.searchParams.get('last') ?? at.searchParams.get('cursor');
    const from = pager.obeys.last && last !== null ? all.indexOf(last) + 1 : 0;
    const n = Math.min(pager.obeys.n ? Number(at.searchParams.get('n') ?? 100) : Infinity, pager.clamp ?? Infinity);
    const page = all.slice(from, from + n);
    const more = from + n < all.length && pager.link ? { link: pager.link(page.at(-1) ?? '', n) } : {};
    json(response, { [field]: page }, more);
  });
  return { session: testSession(url), asked };
}

async function catalog(session: Session, limit = 1000): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  for (let page = 0; page < 100; page++) {
    const { repositories, next } = await listRepositories(session, { limit, after });
    found.push(...repositories);
    if (next === undefined) return found;
    after = next;
  }
  throw new Error('100 pages');
}

const both = { n: true, last: true };

describe('listTags', () => {
  it.each<[string, Pager, number]>([
    ['relative links', { total: 250, obeys: both, clamp: 100, link: (last, n) => `</v2/a/tags/list?last=${last}&n=${n}>; rel="next"` }, 3],
    [
      'absolute links of another scheme and host',
      { total: 150, obeys: both, clamp: 100, link: (last) => `<https://inner/v2/a/tags/list?last=${last}>; rel=next` },
      2,
    ],
    ['an opaque cursor', { total: 150, obeys: both, clamp: 100, link: (last) => `</v2/a/tags/list?cursor=${last}&x=%2B>; rel="next"` }, 2],
    ['a full page without a link', { total: 2001, obeys: both }, 3],
    ['a full last page without a link', { total: 2000, obeys: both }, 3],
    ['a silent cut at a round number', { total: 101, obeys: both, clamp: 100 }, 2],
    ['everything at once', { total: 333, obeys: {} }, 1],
    ['everything at once, unsorted, though pages were asked for (Distribution 2)', { total: 1500, obeys: {}, unsorted: true }, 3],
    ['exactly a page at once', { total: 1000, obeys: {} }, 3],
    ['nothing', { total: 0, obeys: both }, 1],
  ])('reads all of %s', async (_, pager, requests) => {
    const { session, asked } = await lister('tags', pager);
    expect(await listTags(session, 'a')).toEqual(names(pager.total));
    expect(asked).toHaveLength(requests);
  });

  it('follows an opaque cursor as it was written', async () => {
    const { session, asked } = await lister('tags', {
      total: 150,
      obeys: both,
      clamp: 100,
      link: (last) => `</v2/a/tags/list?cursor=${last}&x=%2B>; rel="next"`,
    });
    await listTags(session, 'a');
    expect(asked[1]).toBe('?cursor=t00099&x=%2B');
  });

  it.each<[string, Pager]>([
    [
      'a link to the same page',
      { total: 250, obeys: { n: true }, clamp: 100, link: () => '</v2/a/tags/list?last=t00001&n=100>; rel="next"' },
    ],
    [
      'links on and on without anything new',
      { total: 250, obeys: { n: true }, clamp: 100, link: () => `</v2/a/tags/list?last=x${Math.random()}>; rel="next"` },
    ],
    ['a link without a cursor', { total: 250, obeys: both, clamp: 100, link: () => '</v2/a/tags/list>; rel="next"' }],
    ['a list that is cut at n, with no way to the rest', { total: 1001, obeys: { n: true } }],
  ])('refuses %s: LISTING', async (_, pager) => {
    const { session } = await lister('tags', pager);
    expect(await failureOf(listTags(session, 'a'))).toMatchObject({ code: 'LISTING', retry: 'later', repository: 'a' });
  });

  it.each([
    ['HTML', (response: import('node:http').ServerResponse) => void response.writeHead(200).end('<html>'), 'LISTING'],
    ['no list', (response: import('node:http').ServerResponse) => json(response, { name: 'a' }), 'LISTING'],
    ['numbers', (response: import('node:http').ServerResponse) => json(response, { tags: [1] }), 'LISTING'],
    [
      'a 404 of a router',
      (response: import('node:http').ServerResponse) => void response.writeHead(404).end('404 page not found'),
      'NOT_FOUND',
    ],
    [
      'another 404',
      (response: import('node:http').ServerResponse) => json(response, { errors: [{ code: 'SOMETHING' }] }, {}, 404),
      'NOT_FOUND',
    ],
    ['a 500', (response: import('node:http').ServerResponse) => void response.writeHead(500).end(), 'UNAVAILABLE'],
  ])('never takes %s for an empty list', async (_, answer, code) => {
    const session = testSession(await httpServer((__, ___, response) => answer(response)));
    expect(await failureOf(listTags(session, 'a'))).toMatchObject({ code });
  });

  it('takes null for no tags, and NAME_UNKNOWN for no repository', async () => {
    const url = await httpServer((at, _, response) =>
      at.pathname.includes('/a/') ? json(response, { tags: null }) : json(response, { errors: [{ code: 'NAME_UNKNOWN' }] }, {}, 404),
    );
    expect(await listTags(testSession(url), 'a')).toEqual([]);
    expect(await listTags(testSession(url), 'b')).toBeUndefined();
  });

  it('is no list at all if a page in the middle fails', async () => {
    const url = await httpServer((at, _, response) =>
      at.searchParams.has('last')
        ? json(response, { errors: [{ code: 'NAME_UNKNOWN' }] }, {}, 404)
        : json(response, { tags: ['x'] }, { link: '<?last=x>; rel="next"' }),
    );
    expect(await failureOf(listTags(testSession(url), 'a'))).toMatchObject({ code: 'LISTING' });
  });
});

describe('listRepositories', () => {
  it.each<[string, Pager]>([
    ['links', { total: 25, obeys: both, link: (last, n) => `</v2/_catalog?last=${last}&n=${n}>; rel="next"` }],
    ['no links', { total: 25, obeys: both }],
    ['a server that ignores `last`', { total: 25, obeys: {} }],
  ])('gives all pages in turn with %s', async (_, pager) => {
    const { session } = await lister('repositories', pager);
    expect(await catalog(session, 5)).toEqual(names(25));
  });

  it('ends where a server ignores `last` and changes its order each time', async () => {
    let turn = 0;
    const url = await httpServer((_, __, response) => json(response, { repositories: turn++ % 2 ? names(50) : names(50).reverse() }));
    expect(new Set(await catalog(testSession(url)))).toEqual(new Set(names(50)));
  });

  it('refuses a list that is cut at n, with no way to the rest, and a null list', async () => {
    const { session } = await lister('repositories', { total: 25, obeys: { n: true } });
    expect(await failureOf(catalog(session, 5))).toMatchObject({ code: 'LISTING' });
    const nothing = testSession(await httpServer((_, __, response) => json(response, { repositories: null })));
    expect(await failureOf(listRepositories(nothing, { limit: 5 }))).toMatchObject({ code: 'LISTING' });
  });

  it('goes on behind a name, as a scan does that was interrupted', async () => {
    const { session } = await lister('repositories', { total: 9, obeys: both });
    expect((await listRepositories(session, { limit: 5, after: 't00003' })).repositories).toEqual(names(9).slice(4));
  });
});

describe('paging on Distribution', () => {
  let proxies: QuirkProxy[];
  beforeAll(async () => {
    proxies = [];
    for (const version of [2, 3] as const) {
      const { url } = await testRegistry({ version });
      for (let at = 0; at < 25; at++) await pushImage(url, `r/n${String(at).padStart(2, '0')}`, 'v1', { layers: [randomBytes('one', 10)] });
      proxies.push(await quirkProxy(url));
    }
  });

  it('asks for less where a page size is refused, and remembers it', async () => {
    for (const proxy of proxies) {
      proxy.reset();
      proxy.rules.push({ path: /_catalog/, maxPage: 20 });
      const session = testSession(proxy.url);
      expect(await catalog(session)).toHaveLength(25);
      const refused = proxy.seen.filter((one) => one.status === 400).length;
      expect(refused).toBe(6); // 1000, 500, 250, 125, 62, 31 → 15
      await catalog(session);
      expect(proxy.seen.filter((one) => one.status === 400)).toHaveLength(refused);
    }
  });

  it('never asks for more than 1,000, which Distribution refuses', async () => {
    for (const proxy of proxies) {
      proxy.reset();
      expect((await listRepositories(testSession(proxy.url), { limit: 5000 })).repositories).toHaveLength(25);
      expect(proxy.seen[0]?.path).toBe('/v2/_catalog?n=1000');
    }
  });

  it('loses nothing where the links are lost', async () => {
    for (const proxy of proxies) {
      proxy.reset();
      proxy.rules.push({ dropHeaders: ['link'] });
      expect(await catalog(testSession(proxy.url), 5)).toHaveLength(25);
    }
  });
});

describe('listReferrers', () => {
  const digest: Digest = `sha256:${'a'.repeat(64)}`;
  const referrer = (at: number) => ({ mediaType: 'm', digest: `sha256:${String(at).padStart(64, '0')}`, size: at, artifactType: 'x' });

  it('reads all pages', async () => {
    const url = await httpServer((at, _, response) => {
      const page = Number(at.searchParams.get('page') ?? 0);
      json(
        response,
        { manifests: [referrer(page * 2), referrer(page * 2 + 1)] },
        page < 2 ? { link: `<${at.pathname}?page=${page + 1}>; rel="next"` } : {},
      );
    });
    const session = testSession(url);
    expect(await listReferrers(session, 'a', digest)).toEqual(
      [0, 1, 2, 3, 4, 5].map((at) => ({ mediaType: 'm', digest: referrer(at).digest, size: at })),
    );
    expect(session.capabilities.referrers).toBe(true);
  });

  it('asks a registry without the API once, not for each image', async () => {
    let asked = 0;
    const url = await httpServer((_, __, response) => {
      asked += 1;
      response.writeHead(404).end('404 page not found\n');
    });
    const session = testSession(url);
    for (let round = 0; round < 3; round++) expect(await listReferrers(session, 'a', digest)).toBeUndefined();
    expect(asked).toBe(1);
    expect(session.capabilities.referrers).toBe(false);
  });

  it('does not take an unknown repository for a lacking API', async () => {
    const url = await httpServer((_, __, response) => json(response, { errors: [{ code: 'NAME_UNKNOWN' }] }, {}, 404));
    const session = testSession(url);
    expect(await listReferrers(session, 'a', digest)).toBeUndefined();
    expect(session.capabilities.referrers).toBeUndefined();
  });

  it.each([
    ['no index', { name: 'x' }, {}],
    ['a broken entry', { manifests: [{ digest: 'x', size: 1 }] }, {}],
    ['pages in a circle', { manifests: [referrer(1)] }, { link: '<?page=1>; rel="next"' }],
  ])('refuses %s: LISTING', async (_, body, headers) => {
    const url = await httpServer((__, ___, response) => json(response, body, headers));
    expect(await failureOf(listReferrers(testSession(url), 'a', digest))).toMatchObject({ code: 'LISTING' });
  });
});

describe('nextLink', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['</v2/_catalog?last=a&n=2>; rel="next"', '/v2/_catalog?last=a&n=2'],
    ['<https://x/a?b=c,d>; rel=next', 'https://x/a?b=c,d'],
    ['<first>; rel="first", <second>; title="a, b"; rel="next"', 'second'],
    ['<a>;rel="prev next"', 'a'],
    ['<a>; rel="nextish"', undefined],
    ['nonsense', undefined],
  ])('of %j', (header, expected) => {
    expect(nextLink(header)).toBe(expected);
  });
});
