import type { SitePolicy } from '../policy.ts';
import type { CompareRepositoryResult } from './compare-repository.ts';
import type { Step } from './step.ts';

export interface CompareRepositoriesInput extends Step {
  readonly policy: SitePolicy;
  readonly repositories: readonly string[];
  /** Repositories at a time. */
  readonly concurrency: number;
  /** What differs is compared to its end and told, too: it is brought over next. */
  readonly whole?: true;
}

/** A repository that one page tells whole. */
export interface ComparedRepository {
  readonly repository: string;
  readonly page: CompareRepositoryResult;
}

export interface CompareRepositoriesResult {
  readonly summary: string;
  /** Both sides hold the same. Of those that are told nowhere something differs, could not be read, or takes more than one page. */
  readonly equal: readonly ComparedRepository[];
  /** With `whole`: something differs. */
  readonly differing?: readonly ComparedRepository[];
  /** Not looked at: the answer is full. */
  readonly left: readonly string[];
}
