import type { Generated, JSONColumnType } from 'kysely';
import type { Change } from '../model/change.ts';
import type { Difference } from '../model/failure.ts';
import type { Referrers } from '../model/referrers.ts';
import type { BackfillProgress, SyncState, VerificationState } from '../model/steps.ts';

/*
 * The ledger's tables. Every moment is milliseconds since the epoch in a bigint: looks are compared with each other to the
 * millisecond, and by Temporal's clock alone. No table refers to another: a ledger that was lost is rebuilt in any order.
 */

export interface MetaTable {
  name: string;
  value: string;
}

export interface SitesTable {
  name: string;
  /** Of primary, secondary and path; empty where only something else of the site is known yet. */
  fingerprint: string;
  paused: boolean;
  created_at: number;
  backfill: JSONColumnType<BackfillProgress> | null;
  /** When a backfill last came to its end. */
  backfilled_at: number | null;
  /** Repositories that the last whole catalog listing left out, and when that listing began. */
  catalog_excluded: number;
  catalog_at: number | null;
  /** The best that was proved, kept when the scans that proved it go. */
  recovery_point: number | null;
}

export interface RepositoriesTable {
  site: string;
  repository: string;
  /** The latest scan, whole or not, when it began and what it found so far. */
  last_scan: string;
  scan_started: number;
  pages: number;
  listed: number;
  excluded: number;
  foreign_tags: number;
  complete: boolean;
  /** When the latest whole scan began; absent while there was none. */
  completed_scan_at: number | null;
  /** Since when the primary says that it has no such repository. */
  absent_since: number | null;
  /** When the latest scan began that was whole and of which every tag has been verified since; it never goes back. */
  closed_scan_at: number | null;
  /** The site's filters leave this repository out. */
  out_of_scope: Generated<boolean>;
  /** Of the policy that it was last scanned whole under. */
  revision: string | null;
}

export interface ListedRepositoriesTable {
  site: string;
  repository: string;
  /** When the first and the latest catalog listing began that held it; the first may be a look at one of its images. */
  first_listed_at: number;
  last_listed_at: number;
}

/** Images that are left out of the recovery point, by name and by whom. */
export interface WaiversTable {
  site: string;
  repository: string;
  tag: string;
  /** What the tag held when it was waived: another digest is not covered. Null: nobody could read it. */
  digest: string | null;
  actor: string;
  reason: string;
  at: number;
}

/** Changes that a scan found, until it is told whether an event announced them. */
export interface FoundChangesTable {
  site: string;
  repository: string;
  tag: string;
  action: 'push' | 'delete';
  /** What was pushed, or what was deleted. */
  digest: string;
  /** When the tag was last read as something else. */
  since: number;
  found_at: number;
}

/** Changes that no event announced, by the source that should have; `none` where none ever sent anything. */
export interface MissedEventsTable {
  site: string;
  source: string;
  action: 'push' | 'delete';
  missed: number;
  last_at: number;
  last_repository: string;
  last_tag: string;
}

/** Artifacts that Twinport pushed to the primary, to see whether and when their events come. */
export interface CanariesTable {
  id: Generated<number>;
  repository: string;
  /** Null while the push is under way, or where it failed. */
  digest: string | null;
  pushed_at: number;
  received_at: number | null;
  source: string | null;
  failure: string | null;
}

export interface ImagesTable {
  site: string;
  repository: string;
  tag: string;
  /** What the primary held at the last look. */
  digest: string | null;
  sync: SyncState;
  verification: VerificationState;
  reason: string | null;
  code: string | null;
  attempts: number;
  bytes: number | null;
  /** The look that made this row, when its record was asked for, and what it says to have published. */
  look: number;
  look_end: number;
  look_digest: string | null;
  /** Two looks overlapped and differed: what lies at the secondary is not known. */
  overlap: boolean;
  looked_at: number;
  verified_at: number | null;
  /** What was last read back at the secondary. */
  verified_digest: string | null;
  /** What Twinport put, or may have put, at the secondary's tag: the latest few, the likeliest first. With any of them, the tag is ours. */
  put_digests: Generated<string[]>;
  /** Since when a change is known that is not verified. */
  changed_at: number | null;
  received_at: number | null;
  /** Since when the primary is known to lack the tag, and the first complete listing that lacked it. */
  missing_since: number | null;
  missing_look: number | null;
  /** The site's filters leave this tag out. */
  out_of_scope: Generated<boolean>;
  /** What was expected at the secondary and what was found, where it cannot be mended. */
  difference: Difference | null;
  /** What was seen to refer to it when it was last verified; null: that was never recorded. */
  referrers: Referrers | null;
}

export interface ScansTable {
  id: string;
  site: string;
  /** Null: the catalog. */
  repository: string | null;
  started_at: number;
  pages: number;
  listed: number;
  excluded: number;
  complete: boolean;
  closed: boolean;
  finished_at: number | null;
}

export interface ScanPagesTable {
  scan: string;
  /** The tag after which the page begins; empty for the first. */
  after_tag: string;
  look: number;
  listed: number;
  excluded: number;
  foreign_tags: number;
  failures: number;
  /** Those tags that could not be read. */
  failed_tags: Generated<string[]>;
  last: boolean;
}

export interface TagHistoryTable {
  id: Generated<number>;
  site: string;
  repository: string;
  tag: string;
  old_digest: string;
  /** Null: deleted. */
  new_digest: string | null;
  at: number;
  look: number;
}

export interface EventsTable {
  id: Generated<number>;
  event_id: string;
  source: string;
  repository: string;
  action: 'push' | 'delete';
  tag: string | null;
  digest: string | null;
  received_at: number;
}

export interface InboxTable {
  id: Generated<number>;
  site: string;
  change: JSONColumnType<Change>;
  received_at: number;
  leased_until: number;
  attempts: Generated<number>;
}

export type DeletionState = 'reserved' | 'held' | 'approved' | 'rejected' | 'expired' | 'cancelled' | 'done';

export interface DeletionsTable {
  id: string;
  site: string;
  repository: string;
  tag: string;
  digest: string;
  state: DeletionState;
  reason: string | null;
  created_at: number;
  decided_at: number | null;
  decided_by: string | null;
  expires_at: number | null;
  reserved_at: number | null;
  done_at: number | null;
  /** What it stands for could not be kept under a tag of its own: only a person lets it go. */
  unkept: Generated<boolean>;
  /** A person set the tag back, so that only a person lets the primary have its way: `reserved` until that is done, then `held` without an end. */
  undo: Generated<boolean>;
}

/** Tags at the secondary that keep what another lost, since a scan first saw them. */
export interface KeepsTable {
  site: string;
  repository: string;
  tag: string;
  since: number;
}

/** Tags that the primary moved back to what they held before, and those that a person set back at the secondary. */
export interface MovesTable {
  id: string;
  site: string;
  repository: string;
  tag: string;
  from_digest: string;
  to_digest: string;
  state: DeletionState;
  reason: string | null;
  created_at: number;
  decided_at: number | null;
  decided_by: string | null;
  /** Null: it waits until it is decided. */
  expires_at: number | null;
  done_at: number | null;
  /** A person set the tag back, so that only a person lets the primary have its way: `reserved` until that is done, then `held` without an end. */
  undo: Generated<boolean>;
}

/** Primaries that lack what was verified from them. */
export interface RegressionsTable {
  site: string;
  state: 'held' | 'approved' | 'rejected';
  since: number;
  /** How many verified digests were asked for at last, and how many of them the primary lacks. */
  sampled: number;
  missing: number;
  decided_at: number | null;
  decided_by: string | null;
}

export interface AuditTable {
  id: Generated<number>;
  at: number;
  actor: string;
  action: string;
  site: string | null;
  detail: JSONColumnType<object>;
}

export interface WorkersTable {
  site: string;
  identity: string;
  last_poll: number;
}

/** How a site was at a minute, and what was verified in it. */
export interface SiteSamplesTable {
  site: string;
  at: number;
  lag_seconds: number | null;
  recovery_point_seconds: number | null;
  total: number;
  verified: number;
  failed: number;
  pending: number;
  images: number;
  bytes: number;
}

export interface Tables {
  meta: MetaTable;
  sites: SitesTable;
  repositories: RepositoriesTable;
  listed_repositories: ListedRepositoriesTable;
  waivers: WaiversTable;
  found_changes: FoundChangesTable;
  missed_events: MissedEventsTable;
  canaries: CanariesTable;
  images: ImagesTable;
  scans: ScansTable;
  scan_pages: ScanPagesTable;
  tag_history: TagHistoryTable;
  events: EventsTable;
  inbox: InboxTable;
  deletions: DeletionsTable;
  keeps: KeepsTable;
  moves: MovesTable;
  regressions: RegressionsTable;
  audit: AuditTable;
  workers: WorkersTable;
  site_samples: SiteSamplesTable;
}
