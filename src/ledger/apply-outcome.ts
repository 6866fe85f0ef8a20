import type { Selectable } from 'kysely';
import type { Digest } from '../model/digest.ts';
import type { ImageOutcome } from '../model/steps.ts';
import type { ImagesTable } from './schema.ts';

/** What the ledger knows of one tag. */
export type ImageRow = Selectable<ImagesTable>;

/** Names a row. */
export interface ImageKey {
  readonly site: string;
  readonly repository: string;
  readonly tag: string;
}

/** What became of an outcome. */
export interface Applied {
  /** The row as it is now; absent: there is none. */
  readonly row: ImageRow | undefined;
  /** The outcome is the latest look that is known, or part of an overlap: it was not fenced off. */
  readonly recorded: boolean;
  /** Looks overlapped and differ: the tag needs another. */
  readonly overlapping: boolean;
}

/** Where no look has been: the look of a row that is only just made. */
export const NO_LOOK = -1;

/**
 * Puts an outcome onto a row, if its look is later than the row's. Two looks that overlapped and name different digests may have
 * written in either order, whichever began first: then nobody knows what lies at the secondary, and the row becomes `pending`. That
 * is so whichever of the two is recorded first.
 * @param lookEnd when the record was asked for, which is after the look's last write
 */
export function applyOutcome(row: ImageRow, outcome: ImageOutcome, lookEnd: number): Applied {
  const applied = judged(row, outcome, lookEnd);
  const put = outcome.put ?? (outcome.sync === 'synced' ? outcome.digest : undefined);
  if (put === undefined || applied.row === undefined) return applied;
  // A look that came too late to say what is so has put what it put all the same.
  return { ...applied, row: withPut(applied.row, put, applied.recorded) };
}

function judged(row: ImageRow, outcome: ImageOutcome, lookEnd: number): Applied {
  const fresh = outcome.look > row.look;
  if (outcome.gone === true) return fresh ? applyGone(row, outcome.look, lookEnd) : { row, recorded: false, overlapping: false };
  const clash = clashes(row, outcome, lookEnd);
  if (!fresh && !clash) return { row, recorded: outcome.look === row.look, overlapping: row.overlap };
  const seen: ImageRow = {
    ...row,
    ...spanOf(row, outcome.look, lookEnd),
    look_digest: fresh ? lookDigest(row, outcome) : row.look_digest,
    received_at: outcome.receivedAt ?? row.received_at,
    ...(fresh && isHeld(outcome) && outcome.look > (row.missing_since ?? 0) ? AT_PRIMARY : {}),
  };
  const since = unverifiedSince(row, outcome);
  if (!clash) return { row: settle(seen, outcome, lookEnd, since), recorded: true, overlapping: false };
  return {
    row: { ...seen, ...unverified(row, outcome, since), sync: 'pending', verification: 'pending', overlap: true },
    recorded: true,
    overlapping: true,
  };
}

/** Of a tag that was looked at and that the primary was seen to hold: what lacked it before is no evidence any more. */
export const AT_PRIMARY = { missing_since: null, missing_look: null, out_of_scope: false } as const;

/** A copy that failed, or has only begun, was of something that the primary held. */
function isHeld({ digest, sync }: ImageOutcome): boolean {
  return digest !== undefined || sync === 'started';
}

/** Puts of a tag that are remembered: more lie between two reads of it only where everything fails for long. */
const REMEMBERED = 8;

/** Remembers that the secondary's tag may hold a digest by our doing. @param likeliest it is what lies there, as far as is known */
export function withPut(row: ImageRow, digest: string, likeliest: boolean): ImageRow {
  const others = row.put_digests.filter((one) => one !== digest);
  const put_digests = (likeliest ? [digest, ...others] : [...others, digest]).slice(0, REMEMBERED);
  return put_digests.every((one, at) => one === row.put_digests[at]) ? row : { ...row, put_digests };
}

/** What the secondary's tag most likely holds by our doing; `undefined`: the tag is not ours. */
export function ourDigest(row: ImageRow): Digest | undefined {
  return (row.put_digests[0] ?? row.verified_digest ?? undefined) as Digest | undefined;
}

/** Whether a digest at the secondary's tag is Twinport's work. */
export function isOurs(row: ImageRow, digest: string): boolean {
  return row.verified_digest === digest || row.put_digests.includes(digest);
}

/** The span of the looks that made a row. */
export function spanOf(row: ImageRow, look: number, lookEnd: number): Pick<ImageRow, 'look' | 'look_end' | 'looked_at'> {
  return { look: Math.max(row.look, look), look_end: Math.max(row.look_end, lookEnd), looked_at: Math.max(row.looked_at, look) };
}

/** A row for a tag that nobody has looked at. */
export function newRow(key: ImageKey): ImageRow {
  return {
    ...key,
    digest: null,
    sync: 'pending',
    verification: 'pending',
    reason: null,
    code: null,
    attempts: 0,
    bytes: null,
    look: NO_LOOK,
    look_end: NO_LOOK,
    look_digest: null,
    overlap: false,
    looked_at: NO_LOOK,
    verified_at: null,
    verified_digest: null,
    put_digests: [],
    changed_at: null,
    received_at: null,
    missing_since: null,
    missing_look: null,
    out_of_scope: false,
    difference: null,
    referrers: null,
  };
}

function clashes(row: ImageRow, outcome: ImageOutcome, lookEnd: number): boolean {
  const together = outcome.look === row.look || (outcome.look < row.look_end && row.look < lookEnd);
  if (!together || row.look === NO_LOOK || outcome.digest === undefined) return false;
  // In an overlap it is not known whose write was last: agreeing with one of the two proves nothing.
  return row.overlap
    ? outcome.look !== row.look || outcome.digest !== row.look_digest
    : row.look_digest !== null && row.look_digest !== outcome.digest;
}

/** A look that says nothing of the digest does not end the span of one that does. */
function lookDigest(row: ImageRow, outcome: ImageOutcome): string | null {
  return outcome.digest ?? (outcome.look < row.look_end ? row.look_digest : null);
}

function settle(row: ImageRow, outcome: ImageOutcome, lookEnd: number, since: number): ImageRow {
  // An overlap ends with a look that began after it; one without a digest proves nothing.
  const overlap = row.overlap && outcome.digest === undefined;
  const bytes = outcome.bytes ?? row.bytes;
  const said = { sync: outcome.sync, verification: outcome.verification, overlap, bytes };
  if (outcome.sync === 'synced' && outcome.verification === 'succeeded') return { ...row, ...said, ...verified(row, outcome, lookEnd) };
  const failed = outcome.sync === 'failed' || outcome.verification === 'failed';
  return {
    ...row,
    ...said,
    ...unverified(row, outcome, since),
    digest: outcome.digest ?? row.digest,
    attempts: outcome.attempts ?? (failed ? row.attempts + 1 : row.attempts),
  };
}

function verified(row: ImageRow, outcome: ImageOutcome, lookEnd: number): Partial<ImageRow> {
  const digest = outcome.digest ?? row.digest;
  return {
    digest,
    verified_at: lookEnd,
    verified_digest: digest,
    reason: null,
    code: null,
    difference: null,
    attempts: 0,
    changed_at: null,
    // Who saw none said so; who did not look, as the release before, leaves what is known of the same digest.
    referrers: outcome.referrers ?? (digest === row.verified_digest ? row.referrers : null),
    ...AT_PRIMARY,
  };
}

/**
 * Since when a change is known that is not verified. An event's time is of the clock of whoever received it, and counts only where Temporal's clock allows
 * it: not after the look that it led to, and one from before the look that verified what was there tells nothing new.
 */
function unverifiedSince(row: ImageRow, outcome: ImageOutcome): number {
  const { look, receivedAt = look } = outcome;
  // What was not verified when the tag went is over with it: one that comes back is another change.
  const isBack = isHeld(outcome) && row.missing_since !== null && look > row.missing_since;
  if (row.changed_at !== null && !isBack) return row.changed_at;
  return receivedAt > row.look ? Math.min(receivedAt, look) : look;
}

function unverified(row: ImageRow, outcome: ImageOutcome, since: number): Pick<ImageRow, 'changed_at' | 'reason' | 'code' | 'difference'> {
  const { failure } = outcome;
  return {
    changed_at: since,
    reason: failure?.message ?? row.reason,
    code: failure?.code ?? row.code,
    difference: failure ? (failure.difference ?? null) : row.difference,
  };
}

/** The primary has no such tag: what was never put at the secondary is forgotten, the rest is missing until the deletion is decided. */
function applyGone(row: ImageRow, look: number, lookEnd: number): Applied {
  if (ourDigest(row) === undefined) return { row: undefined, recorded: row.look !== NO_LOOK, overlapping: false };
  return { row: { ...row, ...spanOf(row, look, lookEnd), missing_since: row.missing_since ?? look }, recorded: true, overlapping: false };
}
