import type { Depth, SitePolicy } from '../model/policy.ts';
import type { ComparedTag } from '../model/steps.ts';
import { NO_LOOK, AT_PRIMARY, ourDigest, spanOf, type ImageRow } from './apply-outcome.ts';

/** What a scan is told, and when. */
export interface ScanLook {
  readonly look: number;
  /** By Temporal's clock, to tell how old a verification is. */
  readonly at: number;
  readonly verify: 'auto' | Depth;
  readonly policy: SitePolicy;
}

/** What a listed tag makes of its row. */
export interface ScannedRow {
  readonly row: ImageRow;
  /** Equal on both sides, and to be read back all the same. */
  readonly verify: boolean;
}

/** A tag that the primary lists and that is read on both sides. */
export function listedRow(row: ImageRow, tag: ComparedTag, scan: ScanLook): ScannedRow {
  const fresh = scan.look > row.look;
  const seen = listedAgain(row, tag, scan.look);
  if (!tag.same) return { row: fresh ? pendingRow(seen, tag.digest, scan.look) : seen, verify: false };
  const verify = scan.verify !== 'auto' || !isYoung(row, tag.digest, scan);
  // Equal at a digest that was never read back here: known, but not yet proved.
  const unproved = fresh && row.verified_digest !== tag.digest;
  return { row: unproved ? pendingRow(seen, tag.digest, scan.look) : seen, verify };
}

/** A listed tag that could not be read, by this scan or a later look: a waiver of what it held before must not cover what it may hold now. */
export function unreadRow(row: ImageRow, look: number): ImageRow {
  const listed = seenAgain(row, look);
  return listed.changed_at !== null && listed.look_digest === null ? { ...listed, digest: null } : listed;
}

/** What is listed is not missing, unless a later look found it gone; one that was missing is another change than the one that went. */
function seenAgain(row: ImageRow, look: number): ImageRow {
  if ((row.missing_since ?? look) > look) return row;
  const changed_at = row.changed_at !== null && row.missing_since !== null ? look : row.changed_at;
  return { ...row, ...AT_PRIMARY, changed_at };
}

/** A row of the window that the page does not list: `undefined` if nothing is left to know of it. */
export function unlistedRow(row: ImageRow, look: number, inScope: boolean): ImageRow | undefined {
  if (row.look === NO_LOOK) return undefined;
  // A later look saw the primary's tag after this listing.
  if (row.look >= look && row.missing_since === null) return row;
  if (ourDigest(row) === undefined) return undefined;
  // What is known already is not written again by each scan.
  if (inScope) return row.missing_since === null ? { ...row, missing_since: look } : row;
  return row.out_of_scope ? row : { ...row, out_of_scope: true };
}

function listedAgain(row: ImageRow, { digest }: ComparedTag, look: number): ImageRow {
  // What is not verified was so at this listing already, whatever an event's clock says of when it came.
  const changed_at = row.changed_at === null ? null : Math.min(row.changed_at, look);
  // A later look that failed may not have read what the tag holds: a waiver must not cover what this listing saw in its stead.
  const unread = row.changed_at !== null && row.look_digest === null ? { digest } : {};
  return seenAgain({ ...row, ...unread, changed_at, looked_at: Math.max(row.looked_at, look), out_of_scope: false }, look);
}

/** A scan writes nothing to the secondary, so it ends as it begins, and no look can overlap it. */
function pendingRow(row: ImageRow, digest: string, look: number): ImageRow {
  return {
    ...row,
    ...spanOf(row, look, look),
    look_digest: look < row.look_end ? row.look_digest : null,
    digest,
    sync: 'pending',
    verification: 'pending',
    changed_at: Math.min(row.changed_at ?? look, look),
  };
}

function isYoung(row: ImageRow, digest: string, { at, policy }: ScanLook): boolean {
  const proved = row.sync === 'synced' && row.verification === 'succeeded' && row.verified_digest === digest && row.digest === digest;
  return proved && row.verified_at !== null && at - row.verified_at < policy.verify.everyMs;
}
