import { sql } from 'kysely';
import type { CompareRepositoryResult, RecordScanInput, RecordScanResult, TaggedImage, TagFailure } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { applyOutcome, ourDigest, type ImageKey, type ImageRow } from './apply-outcome.ts';
import { cancelDeletions } from './deletion-rows.ts';
import { keepFirstKnown } from './first-known.ts';
import { keepFoundChanges } from './found-changes.ts';
import { keyOf, lockImages, removeImages, rowOf, saveImages } from './image-rows.ts';
import { recordKeeps } from './keeps.ts';
import { transact, type Db, type Ledger } from './ledger.ts';
import { holdMovesBack, movesOf, standingMoves, type Move } from './moves.ts';
import { closeScans } from './recovery-point.ts';
import { isDoubted, isHeld, sampleOf } from './regressions.ts';
import { lapseWaivers } from './lapse-waivers.ts';
import { lastScan, recordScanPages } from './scan-pages.ts';
import { listedRow, unlistedRow, unreadRow } from './scan-row.ts';

const HELD_SITE = 'held: primary regressed';

/** A page, and what it makes of the rows of its window. */
interface Window {
  readonly input: RecordScanInput;
  readonly before: ReadonlyMap<string, ImageRow>;
  readonly rows: Map<string, ImageRow>;
  readonly removed: ImageKey[];
  readonly verify: string[];
  readonly gone: TaggedImage[];
  readonly moves: Move[];
  /** Tags that a person is asked about. */
  readonly held: string[];
}

/**
 * Records one page of a repository's scan: what differs becomes `pending`, what vanished becomes `missing`, what is new is known.
 * Safe to repeat.
 * @param at when this record was asked for, by Temporal's clock
 * @param inScope whether the site's filters let a tag pass: others are neither gone nor counted
 * @throws {TwinportError} LEDGER
 */
export function recordScan(
  ledger: Ledger,
  input: RecordScanInput,
  at: number,
  inScope: (tag: string) => boolean,
): Promise<RecordScanResult> {
  return transact(ledger, async (trx) => {
    const { site } = input.policy;
    if (input.ahead && (await lastScan(trx, site, input.repository)) > input.page.look)
      return { summary: 'a later scan is recorded already', verify: [], gone: [], foreign: 0, late: true };
    const [recorded] = await recordPages(trx, site, [input], at, inScope);
    if (!recorded) throw new Error('a page was not recorded');
    return recorded;
  });
}

/**
 * Records pages of several repositories with about as many statements as one takes.
 * @param inputs of that site, each of another repository
 * @returns what each leaves to do, in their order
 */
export async function recordPages(
  trx: Db,
  site: string,
  inputs: readonly RecordScanInput[],
  at: number,
  inScope: (tag: string) => boolean,
): Promise<RecordScanResult[]> {
  const windows = await lockWindows(trx, inputs);
  for (const window of windows) {
    putListed(window, at);
    putFailures(window);
    putUnlisted(window, inScope);
  }
  await holdBack(trx, site, windows);
  await saveWindows(trx, windows);
  const foreign = await recordScanPages(
    trx,
    site,
    windows.map(({ input, before }) => ({ input, foreign: strangers(input, before) })),
    at,
  );
  await closeScans(
    trx,
    site,
    inputs.map(({ repository }) => repository),
  );
  const expired = await recordKeeps(trx, inputs, at);
  const doubted = await isDoubted(trx, site);
  const asks = ({ moves, gone }: Window): boolean => doubted || moves.length > 0 || gone.length > 0;
  const sample = windows.some(asks) ? await sampleOf(trx, site) : [];
  return windows.map((window) => {
    const { input, verify, gone, moves, held } = window;
    const over = expired.get(input.repository) ?? [];
    return {
      ...{ summary: summaryOf(window), verify, gone, foreign: foreign.get(input.repository) ?? 0 },
      ...(over.length > 0 ? { expired: over } : {}),
      ...(moves.length > 0 ? { moves: moves.map(({ tag }) => tag) } : {}),
      ...(held.length > 0 ? { held } : {}),
      ...(sample.length > 0 && asks(window) ? { sample } : {}),
    };
  });
}

/** Tags of the secondary alone that were never ours. */
function strangers(input: RecordScanInput, before: ReadonlyMap<string, ImageRow>): number {
  return input.page.extra.filter((tag) => {
    const row = before.get(keyOf(keyIn(input, tag)));
    return !row || ourDigest(row) === undefined;
  }).length;
}

async function lockWindows(trx: Db, inputs: readonly RecordScanInput[]): Promise<Window[]> {
  const known = inputs.map(({ policy, repository, after, page }) => {
    const end = page.next === undefined ? sql`` : sql` and tag <= ${page.next}`;
    return sql`select repository, tag from images where site = ${policy.site} and repository = ${repository} and tag > ${after ?? ''}${end}`;
  });
  const { rows } = await sql<{ repository: string; tag: string }>`${sql.join(known, sql` union all `)}`.execute(trx);
  const tags = new Map(inputs.map((input) => [input.repository, tagsOf(input.page)]));
  for (const { repository, tag } of rows) tags.get(repository)?.add(tag);
  const locked = await lockImages(
    trx,
    inputs.flatMap((input) => [...(tags.get(input.repository) ?? [])].map((tag) => keyIn(input, tag))),
  );
  return inputs.map((input) => {
    const before = new Map([...locked].filter(([, row]) => row.repository === input.repository));
    return { input, before, rows: new Map(before), removed: [], verify: [], gone: [], moves: [], held: [] };
  });
}

/** Those of which a page says anything. */
function tagsOf({ tags, failures }: CompareRepositoryResult): Set<string> {
  return new Set([...tags.map(({ tag }) => tag), ...failures.flatMap(({ tag }) => tag ?? [])]);
}

function putListed({ input, rows, verify }: Window, at: number): void {
  const scan = { look: input.page.look, at, verify: input.verify, policy: input.policy };
  for (const tag of input.page.tags) {
    const key = keyIn(input, tag.tag);
    const listed = listedRow(rowOf(rows, key), tag, scan);
    rows.set(keyOf(key), listed.row);
    if (listed.verify) verify.push(tag.tag);
  }
}

function putFailures({ input, rows }: Window): void {
  const { failures, look } = input.page;
  for (const { tag, failure } of failures.filter(hasTag)) {
    const key = keyIn(input, tag);
    const { row } = applyOutcome(rowOf(rows, key), { tag, sync: 'failed', verification: 'pending', failure, look }, look);
    if (row) rows.set(keyOf(key), unreadRow(row, look));
  }
}

function putUnlisted({ input, rows, removed, gone }: Window, inScope: (tag: string) => boolean): void {
  const told = tagsOf(input.page);
  for (const [key, row] of rows) {
    if (told.has(row.tag)) continue;
    const now = unlistedRow(row, input.page.look, inScope(row.tag));
    if (now) rows.set(key, now);
    else rows.delete(key);
    if (!now) removed.push(row);
    else {
      const digest = ourDigest(now);
      if (now.missing_since !== null && digest !== undefined && !now.out_of_scope && inScope(row.tag)) gone.push({ tag: row.tag, digest });
    }
  }
}

/** Tells what moved, and what of it is not to move; of a site that is held nothing does. */
async function holdBack(trx: Db, site: string, windows: readonly Window[]): Promise<void> {
  const standing = await standingMoves(
    trx,
    site,
    windows.map(({ input }) => input),
  );
  for (const { input, before, rows, moves, held } of windows) {
    const found = movesOf(input.page.tags, (tag) => {
      const row = before.get(keyOf(keyIn(input, tag)));
      // A later look knows better what the tag is.
      return row && row.look <= input.page.look ? row : undefined;
    });
    moves.push(...found);
    const reasons = await holdMovesBack(trx, input, found, standing.get(input.repository) ?? new Map());
    held.push(...reasons.keys());
    const all = found.length > 0 && (await isHeld(trx, site)) ? found.map(({ tag }) => [tag, HELD_SITE] as const) : [];
    for (const [tag, reason] of [...all, ...reasons]) {
      const key = keyOf(keyIn(input, tag));
      const row = rows.get(key);
      if (row?.sync === 'pending') rows.set(key, { ...row, reason });
    }
  }
}

async function saveWindows(trx: Db, windows: readonly Window[]): Promise<void> {
  await removeImages(
    trx,
    windows.flatMap(({ removed }) => removed),
  );
  await saveImages(
    trx,
    windows.flatMap(({ before, rows }) => [...rows].filter(([key, row]) => before.get(key) !== row).map(([, row]) => row)),
  );
  const before = new Map(windows.flatMap((window) => [...window.before]));
  const after = new Map(windows.flatMap((window) => [...window.rows]));
  await keepFirstKnown(trx, before, after);
  await lapseWaivers(trx, before, after);
  await cancelDeletions(
    trx,
    // A later look may have found one gone.
    windows
      .flatMap(({ input }) => input.page.tags.map(({ tag }) => keyIn(input, tag)))
      .filter((key) => after.get(keyOf(key))?.missing_since === null),
  );
  for (const window of windows) await keepFoundChanges(trx, window.input, window.before, window.rows);
}

function hasTag(failure: TagFailure): failure is TagFailure & { tag: string } {
  return failure.tag !== undefined;
}

function keyIn({ policy, repository }: RecordScanInput, tag: string): ImageKey {
  return { site: policy.site, repository, tag };
}

function summaryOf({ input: { page }, verify, gone }: Window): string {
  const differ = page.tags.filter((tag) => !tag.same).length;
  const parts = [`${count(page.tags.length, 'tag')}, ${differ} differ`, `${verify.length} to read back`];
  if (gone.length > 0) parts.push(`${gone.length} gone at the primary`);
  if (page.failures.length > 0) parts.push(`${page.failures.length} failed`);
  return parts.join(', ');
}
