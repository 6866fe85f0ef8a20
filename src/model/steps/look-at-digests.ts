import type { Digest } from '../digest.ts';
import type { RepositoryStep } from './step.ts';

export interface LookAtDigestsInput extends RepositoryStep {
  readonly digests: readonly Digest[];
}

export interface LookAtDigestsResult {
  readonly summary: string;
  /** Digests to be synchronised: subjects at the secondary whose referrers changed, and, with `untagged: all`, what has no tag. */
  readonly subjects: readonly Digest[];
}
