import { sql } from 'kysely';
import type { RecordScanInput, RecordScanResult, RecordScansInput, RecordScansResult, TaggedImage, TagFailure } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { applyOutcome, ourDigest, type ImageKey, type ImageRow } from './apply-outcome.ts';
import { cancelDeletions } from './deletion-rows.ts';
import { keepFirstKnown } from './first-known.ts';
import { keepFoundChanges } from './found-changes.ts';
import { keyOf, lockImages, removeImages, rowOf, saveImages } from './image-rows.ts';
import { recordKeeps } from './keeps.ts';
import { transact, transactIf, type Db, type Ledger } from './ledger.ts';
import { holdMovesBack, movesOf, type Move } from './moves.ts';
import { closeScans } from './recovery-point.ts';
import { isDoubted, isHeld, sampleOf } from './regressions.ts';
import { lapseWaivers } from './lapse-waivers.ts';
import { foreignTags, recordScanPage } from './scan-pages.ts';
import { listedRow, unlistedRow, unreadRow } from './scan-row.ts';

const HELD_SITE = 'held: primary regressed';
/** Of one record of many scans; what is left by then is recorded one by one. */
const ALL_MS = 20_000;

/** What a page makes of the window's rows. */
interface Window {
  readonly rows: Map<string, ImageRow>;
  readonly removed: ImageKey[];
  readonly verify: string[];
  readonly gone: TaggedImage[];
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
  return transact(ledger, (trx) => recordPage(trx, input, at, inScope));
}

/**
 * Records scans of repositories that are equal on both sides, each whole or not at all: one that leaves something to do stays as it was, for a workflow that
 * does it. Safe to repeat.
 * @throws {TwinportError} LEDGER
 */
export async function recordSettledScans(
  ledger: Ledger,
  { policy, scan, equal }: RecordScansInput,
  at: number,
  inScope: (tag: string) => boolean,
): Promise<RecordScansResult> {
  const others: string[] = [];
  const until = performance.now() + ALL_MS;
  for (const { repository, page } of equal) {
    // A ledger that is slow is not to be asked for the same again and again.
    if (performance.now() > until) {
      others.push(repository);
      continue;
    }
    const input: RecordScanInput = { policy, repository, scan: `${scan}/${repository}`, page, verify: 'auto' };
    const settled = await transactIf(ledger, async (trx) => {
      const foreign = await foreignTags(trx, input);
      const recorded = await recordPage(trx, input, at, inScope);
      // Tags that were ours, and are being deleted, look like somebody else's.
      return isSettled(recorded) && recorded.foreign === foreign;
    });
    if (!settled) others.push(repository);
  }
  return { summary: `${equal.length - others.length} of ${equal.length} repositories settled`, others };
}

function isSettled({ verify, gone, expired, moves, held, sample }: RecordScanResult): boolean {
  return verify.length === 0 && gone.length === 0 && !expired && !moves && !held && !sample;
}

async function recordPage(trx: Db, input: RecordScanInput, at: number, inScope: (tag: string) => boolean): Promise<RecordScanResult> {
  const window = await lockWindow(trx, input);
  const before = new Map(window.rows);
  const ours = new Set([...before.values()].filter((row) => ourDigest(row) !== undefined).map(({ tag }) => tag));
  putListed(window, input, at);
  putFailures(window, input);
  putUnlisted(window, input, inScope);
  const moves = movesOf(input.page.tags, (tag) => before.get(keyOf(keyIn(input, tag))));
  const held = await holdMovesBack(trx, input, moves);
  putHeld(window, input, await heldReasons(trx, input, moves, held));
  await removeImages(trx, window.removed);
  await saveImages(
    trx,
    [...window.rows].filter(([key, row]) => before.get(key) !== row).map(([, row]) => row),
  );
  await keepFirstKnown(trx, before, window.rows);
  await lapseWaivers(trx, before, window.rows);
  await cancelDeletions(
    trx,
    // A later look may have found one gone.
    input.page.tags.map(({ tag }) => keyIn(input, tag)).filter((key) => window.rows.get(keyOf(key))?.missing_since === null),
  );
  await keepFoundChanges(trx, input, before, window.rows);
  const foreign = input.page.extra.filter((tag) => !ours.has(tag)).length;
  const sum = await recordScanPage(trx, input, foreign, at);
  await closeScans(trx, input.policy.site, [input.repository]);
  const expired = await recordKeeps(trx, input, at);
  const asks = moves.length > 0 || window.gone.length > 0 || (await isDoubted(trx, input.policy.site));
  const sample = asks ? await sampleOf(trx, input.policy.site) : [];
  return {
    ...{ summary: summaryOf(input, window), verify: window.verify, gone: window.gone, foreign: sum.foreign },
    ...(expired.length > 0 ? { expired } : {}),
    ...(moves.length > 0 ? { moves: moves.map(({ tag }) => tag) } : {}),
    ...(held.size > 0 ? { held: [...held.keys()] } : {}),
    ...(sample.length > 0 ? { sample } : {}),
  };
}

async function lockWindow(trx: Db, input: RecordScanInput): Promise<Window> {
  const { policy, repository, after, page } = input;
  const end = page.next === undefined ? sql`` : sql` and tag <= ${page.next}`;
  const { rows } = await sql<{ tag: string }>`
    select tag from images where site = ${policy.site} and repository = ${repository} and tag > ${after ?? ''}${end}`.execute(trx);
  const tags = new Set([
    ...rows.map(({ tag }) => tag),
    ...page.tags.map(({ tag }) => tag),
    ...page.failures.flatMap(({ tag }) => tag ?? []),
  ]);
  return {
    rows: await lockImages(
      trx,
      [...tags].map((tag) => keyIn(input, tag)),
    ),
    removed: [],
    verify: [],
    gone: [],
  };
}

function putListed({ rows, verify }: Window, input: RecordScanInput, at: number): void {
  const scan = { look: input.page.look, at, verify: input.verify, policy: input.policy };
  for (const tag of input.page.tags) {
    const key = keyIn(input, tag.tag);
    const listed = listedRow(rowOf(rows, key), tag, scan);
    rows.set(keyOf(key), listed.row);
    if (listed.verify) verify.push(tag.tag);
  }
}

/** Of a site that is held nothing moves. */
async function heldReasons(trx: Db, { policy }: RecordScanInput, moves: readonly Move[], held: ReadonlyMap<string, string>) {
  if (moves.length === 0 || !(await isHeld(trx, policy.site))) return held;
  return new Map([...moves.map(({ tag }) => [tag, HELD_SITE] as const), ...held]);
}

function putHeld({ rows }: Window, input: RecordScanInput, held: ReadonlyMap<string, string>): void {
  for (const [tag, reason] of held) {
    const key = keyOf(keyIn(input, tag));
    const row = rows.get(key);
    if (row?.sync === 'pending') rows.set(key, { ...row, reason });
  }
}

function putFailures({ rows }: Window, input: RecordScanInput): void {
  const { failures, look } = input.page;
  for (const { tag, failure } of failures.filter(hasTag)) {
    const key = keyIn(input, tag);
    const { row } = applyOutcome(rowOf(rows, key), { tag, sync: 'failed', verification: 'pending', failure, look }, look);
    if (row) rows.set(keyOf(key), unreadRow(row, look));
  }
}

function putUnlisted({ rows, removed, gone }: Window, input: RecordScanInput, inScope: (tag: string) => boolean): void {
  const { tags, failures, look } = input.page;
  const told = new Set([...tags.map(({ tag }) => tag), ...failures.flatMap(({ tag }) => tag ?? [])]);
  for (const [key, row] of rows) {
    if (told.has(row.tag)) continue;
    const now = unlistedRow(row, look, inScope(row.tag));
    if (now) rows.set(key, now);
    else rows.delete(key);
    if (!now) removed.push(row);
    else {
      const digest = ourDigest(now);
      if (now.missing_since !== null && digest !== undefined && !now.out_of_scope && inScope(row.tag)) gone.push({ tag: row.tag, digest });
    }
  }
}

function hasTag(failure: TagFailure): failure is TagFailure & { tag: string } {
  return failure.tag !== undefined;
}

function keyIn({ policy, repository }: RecordScanInput, tag: string): ImageKey {
  return { site: policy.site, repository, tag };
}

function summaryOf({ page }: RecordScanInput, { verify, gone }: Window): string {
  const differ = page.tags.filter((tag) => !tag.same).length;
  const parts = [`${count(page.tags.length, 'tag')}, ${differ} differ`, `${verify.length} to read back`];
  if (gone.length > 0) parts.push(`${gone.length} gone at the primary`);
  if (page.failures.length > 0) parts.push(`${page.failures.length} failed`);
  return parts.join(', ');
}
