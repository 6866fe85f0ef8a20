import { describe, expect, it } from '@jest/globals';
import { collectDigests, type TagDigest } from '../../../src/registry/kinds/collect-digests.ts';
import { listByNamespace } from '../../../src/registry/kinds/namespaces.ts';
import { numberedList } from '../../../src/registry/kinds/numbered-list.ts';
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

describe('a list whose pages have numbers', () => {
  /** Names in pages of two, which may change between two requests. */
  function listing(names: string[], onRead: (request: number) => void = () => undefined) {
    const session = testSession('http://127.0.0.1:9');
    const asked: number[] = [];
    const page = (after: string | undefined, limit = 3) =>
      numberedList(session, '/list', { after, limit }, async (number) => {
        asked.push(number);
        onRead(asked.length);
        return { items: names.slice(2 * number - 2, 2 * number), more: names.length > 2 * number };
      });
    return { page, asked };
  }

  it('is read until two passes are equal, and given in parts that are cut from these', async () => {
    const { page, asked } = listing(['d', 'c', 'b', 'a', 'e']);
    const first = await page(undefined);
    expect(first?.repositories).toEqual(['a', 'b', 'c']);
    expect(await page(first?.next)).toEqual({ repositories: ['d', 'e'] });
    expect(asked).toEqual([1, 2, 3, 1, 2, 3]);
    // Another worker, or one that has forgotten, reads anew and goes on after the same name.
    expect(await page(first?.next)).toEqual({ repositories: ['d', 'e'] });
    expect(asked).toHaveLength(12);
  });

  it('misses nothing that a deletion on an earlier page moves', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const { page } = listing(names, (request) => {
      // Once page 1 was read: c moves onto it, and the rest of this pass has d and e.
      if (request === 2) names.splice(0, 1);
    });
    expect(await page(undefined, 10)).toEqual({ repositories: ['b', 'c', 'd', 'e'] });
  });

  it('is none where it changes all the time', async () => {
    const names = ['a', 'b', 'c'];
    const { page } = listing(names, (request) => void names.push(`more${request}`));
    expect(await failureOf(page(undefined))).toMatchObject({ code: 'LISTING', message: /changed between each/ });
  });

  it('is read once where it has one page', async () => {
    const { page, asked } = listing(['b', 'a']);
    expect(await page(undefined)).toEqual({ repositories: ['a', 'b'] });
    expect(asked).toEqual([1]);
  });

  it('is none where its pages lead in a circle, or end before the end', async () => {
    const session = testSession('http://127.0.0.1:9');
    const read = (items: string[], pages: number) =>
      failureOf(
        numberedList(session, '/l', { after: undefined, limit: 5 }, async (n) =>
          n <= pages ? { items: n === 1 ? ['a'] : items, more: true } : undefined,
        ),
      );
    expect(await read(['a'], 2)).toMatchObject({ code: 'LISTING', message: /in a circle/ });
    expect(await read([], 2)).toMatchObject({ code: 'LISTING', message: /page 2 is empty/ });
    expect(await read(['b'], 1)).toMatchObject({ code: 'LISTING', message: /page 2 is not there/ });
    expect(await numberedList(session, '/l', { after: undefined, limit: 5 }, async () => undefined)).toBeUndefined();
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
