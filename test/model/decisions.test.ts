import { describe, expect, it } from '@jest/globals';
import { backoffMs, burstPauseMs } from '../../src/model/backoff.ts';
import { blobBatches, chunks, evenChunks, LARGE_BLOB_BYTES } from '../../src/model/batches.ts';
import { deletionBudget, deletionVerdict } from '../../src/model/deletion-guard.ts';
import { isUrgent, wantedBy } from '../../src/model/notices.ts';
import { isLastLook, LATER_LOOKS_MS, mergeLooks, nextStep, type Outcome } from '../../src/model/rounds.ts';
import type { Notice } from '../../src/model/steps.ts';
import type { Digest } from '../../src/model/digest.ts';
import { addWork, NO_WORK } from '../../src/model/work.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const B: Digest = `sha256:${'b'.repeat(64)}`;

describe('deletionBudget', () => {
  const plenty = { siteTags: 10_000, siteDeleted: 0 };

  it.each([
    // tags now, deleted in 24 h, what may still go
    [1, 0, 1],
    [9, 0, 1],
    [10, 0, 1],
    [19, 0, 1],
    [20, 0, 2],
    [30, 0, 3],
    [100, 0, 10],
    [5_000, 0, 10],
    // What went counts as held at the window's start: the budget does not shrink by being used.
    [29, 1, 2],
    [28, 2, 1],
    [27, 3, 0],
    [90, 10, 0],
    [4_990, 10, 0],
    [0, 1, 0],
    [0, 0, 1],
    // More than allowed has gone, approved by a person: nothing goes by itself, and never less than nothing.
    [10, 20, 0],
  ])('of a repository of %i tags that lost %i is %i', (repositoryTags, repositoryDeleted, budget) => {
    expect(deletionBudget({ ...plenty, repositoryTags, repositoryDeleted })).toBe(budget);
  });

  it.each([
    [5, 0, 1],
    [30, 0, 3],
    [99, 0, 9],
    [28, 2, 1],
    [27, 3, 0],
    [1_000, 0, 10],
  ])('of a site of %i tags that lost %i is %i, whatever its repositories may lose', (siteTags, siteDeleted, budget) => {
    expect(deletionBudget({ siteTags, siteDeleted, repositoryTags: 100_000, repositoryDeleted: 0 })).toBe(budget);
  });
});

describe('deletionVerdict', () => {
  const thirty = { repositoryTags: 30, siteTags: 30, repositoryDeleted: 0, siteDeleted: 0 };
  const twoLeft = { repositoryTags: 29, siteTags: 29, repositoryDeleted: 1, siteDeleted: 1 };

  it.each([
    [1, thirty, 'guard', 'go'],
    [3, thirty, 'guard', 'go'],
    [4, thirty, 'guard', 'hold'],
    [20, thirty, 'guard', 'hold'],
    [30, thirty, 'guard', 'hold'],
    [2, twoLeft, 'guard', 'go'],
    [3, twoLeft, 'guard', 'hold'],
    [20, thirty, 'mirror', 'go'],
    [1, thirty, 'never', 'never'],
  ] as const)('%i wanted of %j under %s: %s', (wanted, counts, policy, verdict) => {
    expect(deletionVerdict(wanted, counts, policy)).toBe(verdict);
  });
});

describe('backoffMs', () => {
  it.each([
    [1, 2_500, 5_000],
    [2, 5_000, 10_000],
    [5, 40_000, 80_000],
    [10, 1_280_000, 2_560_000],
    [11, 1_800_000, 3_600_000],
    [1_000_000, 1_800_000, 3_600_000],
  ])('of attempt %i is between %i and %i', (attempt, least, most) => {
    expect(backoffMs(attempt, 0)).toBe(least);
    expect(backoffMs(attempt, 1)).toBe(most);
    expect(backoffMs(attempt, 0.5)).toBe((least + most) / 2);
  });
});

describe('burstPauseMs', () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 250],
    [3, 500],
    [5, 2_000],
    [1_000, 2_000],
  ])('after %i rounds in a row is %i', (rounds, pause) => {
    expect(burstPauseMs(rounds)).toBe(pause);
  });
});

describe('evenChunks', () => {
  it.each([
    { items: 0, most: 25, sizes: [] },
    { items: 25, most: 25, sizes: [25] },
    { items: 26, most: 25, sizes: [13, 13] },
    { items: 40, most: 25, sizes: [20, 20] },
    { items: 51, most: 25, sizes: [17, 17, 17] },
    { items: 101, most: 25, sizes: [21, 21, 21, 21, 17] },
  ])('cuts $items items into $sizes', ({ items, most, sizes }) => {
    const list = Array.from({ length: items }, (_, i) => i);
    const cut = evenChunks(list, most);
    expect(cut.map(({ length }) => length)).toEqual(sizes);
    expect(cut.flat()).toEqual(list);
  });
});

describe('chunks', () => {
  it.each([
    [[], 3, []],
    [[1], 3, [[1]]],
    [[1, 2, 3], 3, [[1, 2, 3]]],
    [[1, 2, 3, 4], 3, [[1, 2, 3], [4]]],
  ])('of %j by %i are %j', (items, size, expected) => {
    expect(chunks(items, size)).toEqual(expected);
  });
});

describe('blobBatches', () => {
  const blob = (size: number) => ({ mediaType: '', digest: A, size });
  const shape = (sizes: number[]) => {
    const { small, large } = blobBatches(sizes.map(blob));
    return { small: small.map((batch) => batch.map(({ size }) => size)), large: large.map(({ size }) => size) };
  };
  const L = LARGE_BLOB_BYTES;

  it.each([
    ['nothing', [], { small: [], large: [] }],
    ['small ones together', [1, 0, 2], { small: [[1, 0, 2]], large: [] }],
    ['a large one alone', [1, L + 1, 2], { small: [[1, 2]], large: [L + 1] }],
    ['one of exactly the size is small', [L], { small: [[L]], large: [] }],
    ['a GiB a batch', Array<number>(17).fill(L), { small: [Array<number>(16).fill(L), [L]], large: [] }],
  ])('%s', (_, sizes, expected) => {
    expect(shape(sizes)).toEqual(expected);
  });

  it('takes two thousand a batch, and leaves none out', () => {
    const { small } = shape(Array<number>(4_500).fill(1));
    expect(small.map(({ length }) => length)).toEqual([2_000, 2_000, 500]);
  });
});

describe('nextStep', () => {
  const failed = (retry: 'now' | 'later' | 'never'): Outcome => ({ kind: 'failed', failure: { code: 'INTERNAL', message: '', retry } });
  const plain = { tag: 'v1' };
  const blind = { tag: 'v1', lookAgain: true };

  it.each([
    [{ kind: 'settled' }, plain, 0, 0, { do: 'return' }],
    [{ kind: 'settled' }, blind, 0, 0, { do: 'look', afterMs: 5_000 }],
    [{ kind: 'settled' }, blind, 1, 0, { do: 'return' }],
    [{ kind: 'unexpected' }, plain, 0, 0, { do: 'look', afterMs: 2_000 }],
    [{ kind: 'unexpected' }, plain, 1, 0, { do: 'look', afterMs: 10_000 }],
    [{ kind: 'unexpected' }, plain, 2, 0, { do: 'look', afterMs: 30_000 }],
    [{ kind: 'unexpected' }, plain, 3, 0, { do: 'return' }],
    [{ kind: 'again' }, plain, 0, 1, { do: 'look', afterMs: 0 }],
    [{ kind: 'again' }, plain, 5, 9, { do: 'look', afterMs: 0 }],
    [{ kind: 'again' }, plain, 0, 10, { do: 'back-off' }],
    [failed('now'), plain, 0, 0, { do: 'back-off' }],
    [failed('later'), blind, 0, 0, { do: 'back-off' }],
    [failed('never'), plain, 0, 0, { do: 'fail', failure: { code: 'INTERNAL', message: '', retry: 'never' } }],
  ] as const)('after %j of %j, looked %i, again %i: %j', (outcome, look, looked, again, expected) => {
    expect(nextStep(outcome, look, looked, again, 0)).toEqual(expected);
  });

  it.each([
    [0, 0, plain, { do: 'return' }],
    [1, 0, plain, { do: 'return' }],
    [2, 0, plain, { do: 'check', afterMs: 30_000 }],
    [2, 0, blind, { do: 'look', afterMs: 5_000 }],
    [2, 1, blind, { do: 'check', afterMs: 30_000 }],
  ] as const)('after %i puts, looked %i, of %j: %j', (puts, looked, look, expected) => {
    expect(nextStep({ kind: 'settled' }, look, looked, 0, puts)).toEqual(expected);
  });

  it('knows its last look', () => {
    expect([0, 1, 2, 3, 4].map(isLastLook)).toEqual([false, false, false, true, true]);
    expect(LATER_LOOKS_MS).toHaveLength(3);
  });
});

describe('mergeLooks', () => {
  it.each([
    ['a first one stays as it is', undefined, { tag: 'v1', digest: A }, { tag: 'v1', digest: A }],
    ['the later digest is to be seen', { tag: 'v1', digest: A }, { tag: 'v1', digest: B }, { tag: 'v1', digest: B }],
    [
      'the first receipt is when the lag began',
      { tag: 'v1', digest: A, receivedAt: 1 },
      { tag: 'v1', digest: B, receivedAt: 2 },
      { tag: 'v1', digest: B, receivedAt: 1 },
    ],
    ['a receipt is kept', { tag: 'v1' }, { tag: 'v1', digest: B, receivedAt: 2 }, { tag: 'v1', digest: B, receivedAt: 2 }],
    [
      'a push that names no digest is the later one',
      { tag: 'v1', digest: A },
      { tag: 'v1', lookAgain: true },
      { tag: 'v1', lookAgain: true },
    ],
    [
      'a look that names nothing takes no push’s place',
      { tag: 'v1', digest: A, receivedAt: 1 },
      { tag: 'v1' },
      { tag: 'v1', digest: A, receivedAt: 1 },
    ],
    ['nor a blind one’s second look', { tag: 'v1', lookAgain: true }, { tag: 'v1' }, { tag: 'v1', lookAgain: true }],
    ['a digest needs no second look', { tag: 'v1', lookAgain: true }, { tag: 'v1', digest: A }, { tag: 'v1', digest: A }],
  ])('%s', (_, earlier, later, merged) => {
    expect(mergeLooks(earlier, later)).toEqual(merged);
  });
});

describe('wantedBy', () => {
  const at = { receivedAt: 1 };
  const nothing = { scan: false, verify: undefined, deletions: [], digests: [], replyTo: [], once: false, repair: false };
  const deleted: Notice = { kind: 'deleted', tag: 'old', ...at };

  it.each<[string, Notice[], object]>([
    ['nothing', [], {}],
    ['digests, each once, no scan', [A, B, A].map((digest) => ({ kind: 'digest', digest, ...at })), { digests: [A, B] }],
    ['a digest notice without a digest says nothing', [{ kind: 'digest', ...at }], {}],
    ['a delete event is evidence for a scan', [deleted], { scan: true, deletions: [deleted] }],
    ['a comparison', [{ kind: 'compare', ...at }], { scan: true }],
    ['a repair alone scans later', [{ kind: 'repair', ...at }], { repair: true }],
    [
      'the deepest verification',
      (['shallow', 'deep', 'auto'] as const).map((verify) => ({ kind: 'compare', verify, ...at })),
      { scan: true, verify: 'deep' },
    ],
    ['auto where nobody wants more', [{ kind: 'compare', verify: 'auto', ...at }], { scan: true, verify: 'auto' }],
    [
      'all who wait, each once',
      ['x', 'y', 'x'].map((replyTo) => ({ kind: 'compare', replyTo, ...at })),
      { scan: true, replyTo: ['x', 'y'] },
    ],
    [
      'one person who waits among those who do not',
      [
        { kind: 'compare', once: false, ...at },
        { kind: 'compare', once: true, ...at },
      ],
      { scan: true, once: true },
    ],
  ])('%s', (_, notices, expected) => {
    expect(wantedBy(notices)).toEqual({ ...nothing, ...expected });
  });

  it('hurries for comparisons alone', () => {
    const kinds = ['digest', 'deleted', 'compare', 'repair'] as const;
    expect(kinds.filter((kind) => isUrgent({ kind, ...at }))).toEqual(['compare']);
  });
});

describe('addWork', () => {
  it('adds what is there, and changes neither', () => {
    const one = { ...NO_WORK, synced: 1, bytesCopied: 5 };
    expect(addWork(one, { synced: 2, failed: 1 })).toEqual({ ...NO_WORK, synced: 3, bytesCopied: 5, failed: 1 });
    expect(one.synced).toBe(1);
    expect(Object.values(NO_WORK).every((amount) => amount === 0)).toBe(true);
  });
});
