import { describe, expect, it } from '@jest/globals';
import { collectDigests, type TagDigest } from '../../../src/registry/kinds/collect-digests.ts';
import { listByNamespace } from '../../../src/registry/kinds/namespaces.ts';
import { numberedPage } from '../../../src/registry/kinds/numbered-pages.ts';
import { failureOf, testSession } from '../support/sessions.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

async function* given(pages: TagDigest[][], read: { pages: number }): AsyncGenerator<TagDigest[]> {
  for (const page of pages) {
    read.pages += 1;
    yield page;
  }
}

describe('digests of tags, as pages tell them', () => {
  const collect = async (wanted: string[], pages: TagDigest[][]) => {
    const read = { pages: 0 };
    return { found: Object.fromEntries(await collectDigests(new Set(wanted), given(pages, read))), read: read.pages };
  };

  it.each<[string, string[], TagDigest[][], { found: Record<string, string>; read: number }]>([
    ['stops once all are found', ['a'], [[['a', A]], [['b', B]]], { found: { a: A }, read: 1 }],
    [
      'passes over what was not asked for, and what is no digest',
      ['a', 'b'],
      [
        [
          ['c', A],
          ['a', 'latest'],
          ['b', B],
        ],
      ],
      { found: { b: B }, read: 1 },
    ],
    [
      'does not believe a tag that was moved between two pages',
      ['a', 'b', 'c'],
      [
        [
          ['a', A],
          ['b', B],
        ],
        [['a', B]],
      ],
      { found: { b: B }, read: 2 },
    ],
    ['takes the same digest twice', ['a', 'b'], [[['a', A]], [['a', A]]], { found: { a: A }, read: 2 }],
    ['gives up where the pages tell too little', ['a', 'b', 'c'], [[['a', A]], [['x', A]], [['b', B]]], { found: { a: A }, read: 2 }],
  ])('%s', async (_, wanted, pages, expected) => {
    expect(await collect(wanted, pages)).toEqual(expected);
  });
});

describe('pages by number', () => {
  const session = testSession('http://127.0.0.1:9');
  const page = (after: string | undefined, read: (page: number) => { items: string[]; more: boolean } | undefined) =>
    numberedPage(session, '/list', after, async (number) => read(number));

  it('follow each other to the end', async () => {
    const all = [
      { items: ['a', 'b c'], more: true },
      { items: ['d'], more: true },
      { items: [], more: false },
    ];
    const first = await page(undefined, (number) => all[number - 1]);
    expect(first).toEqual({ repositories: ['a', 'b c'], next: '1 a' });
    const second = await page(first?.next, (number) => all[number - 1]);
    expect(second).toEqual({ repositories: ['d'], next: '2 d' });
    expect(await page(second?.next, (number) => all[number - 1])).toEqual({ repositories: [] });
  });

  it('are no list where they lead in a circle, or end before the end', async () => {
    expect(await failureOf(page('1 a', () => ({ items: ['a'], more: true })))).toMatchObject({ code: 'LISTING', message: /in a circle/ });
    expect(await failureOf(page('1 a', () => ({ items: [], more: true })))).toMatchObject({ code: 'LISTING', message: /page 2 is empty/ });
  });

  it('are not there where the first is not', async () => {
    expect(await page(undefined, () => undefined)).toBeUndefined();
  });
});

describe('namespaces', () => {
  const session = testSession('http://127.0.0.1:9', { kind: 'ghcr', namespaces: ['b', 'a', 'b'] });
  const list = (after: string | undefined) =>
    listByNamespace(session, { limit: 10, after }, async (namespace, place) => ({
      repositories: [`${namespace}/${place ?? 'first'}`],
      ...(place === undefined ? { next: 'more to come' } : {}),
    }));

  it('are listed one after the other, each once and to its end', async () => {
    const found: unknown[] = [];
    let after: string | undefined;
    do {
      const page = await list(after);
      found.push(...page.repositories);
      after = page.next;
    } while (after !== undefined);
    expect(found).toEqual(['b/first', 'b/more to come', 'a/first', 'a/more to come']);
  });

  it('are no list where the one that was being listed is configured no more', async () => {
    expect(await failureOf(list('c 1 x'))).toMatchObject({ code: 'LISTING', message: /namespace c, which is not configured/ });
  });
});
