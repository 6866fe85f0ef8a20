import type { SitePolicy } from '../policy.ts';
import type { Step } from './step.ts';

export interface ListRepositoriesInput extends Step {
  readonly policy: SitePolicy;
  /** The last repository of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export interface ListRepositoriesResult {
  readonly summary: string;
  /** In scope of the policy, sorted. */
  readonly repositories: readonly string[];
  readonly excluded: number;
  /** When this look was scheduled. */
  readonly look: number;
  /** Where to go on; absent on the last page. */
  readonly next?: string;
}

/**
 * What the ledger knows and this backfill has not scanned yet: else a repository that vanished from the catalog is never seen.
 * Asked after the catalog's last page, because a catalog's order is its own and no window of it can be told to a database.
 */
export interface KnownRepositoriesInput {
  readonly policy: SitePolicy;
  /** Repositories whose latest scan is older than this. */
  readonly scannedBefore: number;
  readonly after?: string;
  readonly limit: number;
}

export interface KnownRepositoriesResult {
  readonly repositories: readonly string[];
}
