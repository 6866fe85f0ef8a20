import type { Failure } from '../failure.ts';
import type { Depth } from '../policy.ts';
import type { Work } from '../work.ts';
import type { CompareRepositoryResult } from './compare-repository.ts';
import type { Notice, RepositoryStep, TaggedImage } from './step.ts';

export interface SyncRepositoryInput extends RepositoryStep {
  /** `scan` compares at once; `notices` waits for signals first. */
  readonly mode: 'scan' | 'notices';
  readonly verify: 'auto' | Depth;
  /** A person waits for the end: list twice at once instead of `confirmAfter` later, and do not sleep on failures. */
  readonly once: boolean;
  readonly pending?: readonly Notice[];
  /** Failed scans in a row, for the back-off. */
  readonly attempts?: number;
  /** The only page of its first scan, where that was just compared. */
  readonly compared?: CompareRepositoryResult;
  /** A scan that a continue-as-new interrupted. */
  readonly carried?: ScanCarried;
  /** What runs before a continue-as-new have done; then a child's scan is over. */
  readonly done?: { readonly work: Work; readonly unsettled: number };
  /** When failures are due for another scan. */
  readonly dueAt?: number;
}

export interface ScanCarried {
  readonly scan: string;
  /** When the scan's first page was looked at. */
  readonly look: number;
  /** The last tag of the last page that is done. */
  readonly after: string;
  readonly gone: readonly TaggedImage[];
  readonly work: Work;
  readonly unsettled: number;
  /** The notices that this scan serves; those that came after its start wait for the next. */
  readonly asked: readonly Notice[];
}

export interface SyncRepositoryResult {
  readonly summary: string;
  readonly work: Work;
  /** Images that failed and that a retry may mend. */
  readonly unsettled: number;
}

/** What a repository's workflow tells one that waits for a comparison that it did not start. */
export interface Scanned extends SyncRepositoryResult {
  readonly repository: string;
  /** Why there was no comparison; CANCELLED: that workflow was stopped, and another may be started. */
  readonly failure?: Failure;
}
