import type { Generated, JSONColumnType } from 'kysely';
import type { Change } from '../model/change.ts';
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
}

export interface ListedRepositoriesTable {
  site: string;
  repository: string;
  /** When the first and the latest catalog listing began that held it. */
  first_listed_at: number;
  last_listed_at: number;
}

/** Images that are left out of the recovery point, by name and by whom. */
export interface WaiversTable {
  site: string;
  repository: string;
  tag: string;
  actor: string;
  reason: string;
  at: number;
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
  /** What was last read back at the secondary; with it, the tag is ours. */
  verified_digest: string | null;
  /** Since when a change is known that is not verified. */
  changed_at: number | null;
  received_at: number | null;
  /** Since when the primary is known to lack the tag, and the first complete listing that lacked it. */
  missing_since: number | null;
  missing_look: number | null;
  /** The site's filters leave this tag out. */
  out_of_scope: Generated<boolean>;
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

export interface Tables {
  meta: MetaTable;
  sites: SitesTable;
  repositories: RepositoriesTable;
  listed_repositories: ListedRepositoriesTable;
  waivers: WaiversTable;
  images: ImagesTable;
  scans: ScansTable;
  scan_pages: ScanPagesTable;
  tag_history: TagHistoryTable;
  events: EventsTable;
  inbox: InboxTable;
  deletions: DeletionsTable;
  audit: AuditTable;
  workers: WorkersTable;
}
