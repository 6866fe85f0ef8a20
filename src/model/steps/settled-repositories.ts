import type { SitePolicy } from '../policy.ts';

export interface SettledRepositoriesInput {
  readonly policy: SitePolicy;
  readonly repositories: readonly string[];
}

/** Those whose last scan was complete and of whose tags all are verified, lately: if both sides are still equal, there is nothing to do. */
export interface SettledRepositoriesResult {
  readonly summary: string;
  readonly repositories: readonly string[];
}
