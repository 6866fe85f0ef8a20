import type { SitePolicy } from '../policy.ts';
import type { ComparedRepository } from './compare-repositories.ts';

export interface RecordScansInput {
  readonly policy: SitePolicy;
  /** What looks at all these repositories, in the ledger's scans. */
  readonly scan: string;
  readonly equal: readonly ComparedRepository[];
}

export interface RecordScansResult {
  readonly summary: string;
  /** Equal, and still not settled: something is to be read back, is gone, or waits for a person. Nothing was recorded of these. */
  readonly others: readonly string[];
}
