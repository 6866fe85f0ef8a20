import type { BackfillProgress } from './backfill-site.ts';

/** A listing of the primary's whole catalog. */
export interface CatalogScan {
  readonly scan: string;
  readonly startedAt: number;
  readonly pages: number;
  readonly complete: boolean;
  readonly listed: number;
  readonly excluded: number;
}

/** What a page of the primary's catalog listed. */
export interface CatalogPage {
  /** When the listing of the whole catalog began. */
  readonly startedAt: number;
  readonly repositories: readonly string[];
}

export interface RecordBackfillInput {
  readonly site: string;
  readonly progress: BackfillProgress;
  /** The page that is to be worked on next; absent for records in between. */
  readonly listed?: CatalogPage;
  /** Once the last page was read. */
  readonly catalog?: CatalogScan;
}
