import type { SitePolicy } from '../policy.ts';
import type { CompareRepositoryResult } from './compare-repository.ts';
import type { Step } from './step.ts';

export interface CompareRepositoriesInput extends Step {
  readonly policy: SitePolicy;
  readonly repositories: readonly string[];
  /** Repositories at a time. */
  readonly concurrency: number;
}

/** A repository whose one page says that both sides hold the same. */
export interface EqualRepository {
  readonly repository: string;
  readonly page: CompareRepositoryResult;
}

export interface CompareRepositoriesResult {
  readonly summary: string;
  /** Of the others something differs, could not be read, or takes more than one page. */
  readonly equal: readonly EqualRepository[];
  /** Not looked at: the answer is full. */
  readonly left: readonly string[];
}
