import type { ImageOutcome, MarkVerificationInput, MarkVerificationResult } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { applyOutcome, type Applied, type ImageKey, type ImageRow } from './apply-outcome.ts';
import { cancelDeletions } from './deletion-rows.ts';
import { isDefect } from './errors.ts';
import { keepFirstKnown } from './first-known.ts';
import { keyOf, lockImages, removeImages, rowOf, saveImages } from './image-rows.ts';
import { transact, type Db, type Ledger } from './ledger.ts';
import { microBatch, type Batched } from './micro-batch.ts';
import { lapseWaivers } from './lapse-waivers.ts';
import { settleMoves } from './moves.ts';
import { closeScans } from './recovery-point.ts';
import { appendHistory, appendUntold, type Overwrite, type Untold } from './tag-history.ts';

interface Record {
  readonly input: MarkVerificationInput;
  readonly lookEnd: number;
}

interface Seen extends ImageKey {
  readonly outcome: ImageOutcome;
  readonly lookEnd: number;
}

const WAIT_MS = 5;
/** Calls in one transaction; most carry one image, some a hundred. */
const MOST_CALLS = 50;

const batchers = new WeakMap<Ledger, Batched<Record, MarkVerificationResult>>();

/**
 * Records what activities saw of a repository's tags. Calls of the same moment share a transaction; each is all or nothing.
 * Safe to repeat: a look that is no later than the row's changes nothing.
 * @param lookEnd when this record was asked for, by Temporal's clock
 * @throws {TwinportError} LEDGER
 */
export function markVerification(ledger: Ledger, input: MarkVerificationInput, lookEnd: number): Promise<MarkVerificationResult> {
  let batched = batchers.get(ledger);
  if (!batched) {
    batched = microBatch((records) => recordAll(ledger, records), { waitMs: WAIT_MS, most: MOST_CALLS, isolates: isDefect });
    batchers.set(ledger, batched);
  }
  return batched({ input, lookEnd });
}

function recordAll(ledger: Ledger, records: readonly Record[]): Promise<MarkVerificationResult[]> {
  const calls = records.map(seenOf);
  return transact(ledger, async (trx) => {
    const rows = await lockImages(trx, calls.flat());
    const before = new Map(rows);
    const removed = new Map<string, ImageKey>();
    const untold: Untold[] = [];
    const results = calls.map((seen) =>
      resultOf(
        seen,
        seen.map((one) => {
          untold.push(...untoldOf(one, rowOf(rows, one)));
          return put(rows, removed, one);
        }),
      ),
    );
    await removeImages(trx, [...removed.values()]);
    const changed = [...rows].filter(([key, row]) => before.get(key) !== row).map(([, row]) => row);
    await saveImages(trx, changed);
    await keepFirstKnown(trx, before, rows);
    await lapseWaivers(trx, before, rows);
    await appendHistory(trx, calls.flat().flatMap(overwriteOf));
    await appendUntold(trx, untold);
    await cancelDeletions(trx, changed.filter(isBack));
    await settleMoves(trx, changed);
    await closeSettled(trx, before, rows);
    return results;
  });
}

/** What was open and is verified, or gone, may have been the last that a scan waited for. */
async function closeSettled(trx: Db, before: ReadonlyMap<string, ImageRow>, rows: ReadonlyMap<string, ImageRow>): Promise<void> {
  const bySite = new Map<string, string[]>();
  for (const [key, row] of before) {
    const now = rows.get(key);
    const settled = now === undefined || now.changed_at === null || now.missing_since !== null;
    if (row.changed_at === null || !settled) continue;
    bySite.set(row.site, [...(bySite.get(row.site) ?? []), row.repository]);
  }
  for (const [site, repositories] of [...bySite].sort(([a], [b]) => (a < b ? -1 : 1))) await closeScans(trx, site, repositories);
}

function seenOf({ input, lookEnd }: Record): Seen[] {
  const { policy, repository, outcomes } = input;
  return outcomes.map((outcome) => ({ site: policy.site, repository, tag: outcome.tag, outcome, lookEnd }));
}

function put(rows: Map<string, ImageRow>, removed: Map<string, ImageKey>, seen: Seen): Applied {
  const key = keyOf(seen);
  const applied = applyOutcome(rowOf(rows, seen), seen.outcome, seen.lookEnd);
  if (applied.row) {
    rows.set(key, applied.row);
    removed.delete(key);
  } else {
    rows.delete(key);
    removed.set(key, seen);
  }
  return applied;
}

function resultOf(seen: readonly Seen[], applied: readonly Applied[]): MarkVerificationResult {
  const overlapping = seen.filter((_, at) => applied[at]?.overlapping).map(({ tag }) => tag);
  const recorded = applied.filter((one) => one.recorded).length;
  const late = seen.length - recorded;
  const more = [...(late > 0 ? [`${late} too late`] : []), ...(overlapping.length > 0 ? [`${overlapping.length} overlapping`] : [])];
  return { summary: [`${count(recorded, 'image')} recorded`, ...more].join(', '), recorded, overlapping: [...new Set(overlapping)] };
}

/** An overwrite happened, whatever became of the look that did it. */
function overwriteOf({ outcome, lookEnd, site, repository, tag }: Seen): Overwrite[] {
  if (outcome.previous === undefined || outcome.previous === outcome.digest) return [];
  return [{ site, repository, tag, oldDigest: outcome.previous, newDigest: outcome.digest, at: lookEnd, look: outcome.look }];
}

/**
 * A worker that died between putting a tag and telling of it took with it what was there before: its successor finds the tag as it should be. What the
 * ledger knew of the tag tells what it replaced.
 */
function untoldOf({ outcome, lookEnd, site, repository, tag }: Seen, row: ImageRow): Untold[] {
  const { verified_digest: oldDigest, verified_at: since } = row;
  const { digest, look, previous } = outcome;
  if (outcome.sync !== 'synced' || digest === undefined || look <= row.look) return [];
  if (oldDigest === null || since === null || oldDigest === digest || oldDigest === previous) return [];
  return [{ site, repository, tag, oldDigest, newDigest: previous ?? digest, at: lookEnd, look, since }];
}

/** The primary holds it: nobody need decide on its deletion any more. */
function isBack(row: ImageRow): boolean {
  return row.missing_since === null;
}
