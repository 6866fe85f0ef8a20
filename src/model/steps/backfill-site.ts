import type { Failure } from '../failure.ts';
import type { Depth, SitePolicy } from '../policy.ts';
import type { Work } from '../work.ts';

export interface BackfillSiteInput {
  readonly policy: SitePolicy;
  readonly verify: 'auto' | Depth;
  readonly once: boolean;
  /** Repositories at a time. */
  readonly concurrency: number;
  /** Carried over a continue-as-new. */
  readonly carried?: BackfillCarried;
}

export interface BackfillCarried {
  readonly startedAt: number;
  readonly look: number;
  readonly pages: number;
  /** The run in which it began: its name in the ledger. */
  readonly scan?: string;
  /** The catalog's cursor; absent once it is through, when the ledger's own repositories follow. */
  readonly after?: string;
  readonly catalogDone: boolean;
  readonly knownAfter?: string;
  readonly paused?: boolean;
  readonly progress: BackfillProgress;
}

export interface BackfillProgress {
  readonly state: 'running' | 'paused' | 'failed' | 'cancelled' | 'done';
  /** Repositories done, and found so far. */
  readonly done: number;
  readonly total: number;
  readonly excluded: number;
  readonly failures: readonly { readonly repository: string; readonly failure: Failure }[];
  readonly work: Work;
  /** By Temporal's clock; absent in what an older release wrote. */
  readonly startedAt?: number;
}
