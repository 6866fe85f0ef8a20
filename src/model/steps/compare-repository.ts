import type { Digest } from '../digest.ts';
import type { RepositoryStep, TagFailure } from './step.ts';

export interface CompareRepositoryInput extends RepositoryStep {
  readonly after?: string;
  readonly limit: number;
}

export interface ComparedTag {
  readonly tag: string;
  readonly digest: Digest;
  /** The secondary holds the same digest and the same referrers. */
  readonly same: boolean;
}

export interface CompareRepositoryResult {
  readonly summary: string;
  /** When this look was scheduled. */
  readonly look: number;
  /** The primary's tags in scope, of this page, sorted. */
  readonly tags: readonly ComparedTag[];
  /** Tags of this page's window at the secondary that the primary does not list. */
  readonly extra: readonly string[];
  /** Tags of this page's window that keep what another tag of the secondary lost. */
  readonly kept?: readonly string[];
  readonly excluded: number;
  readonly failures: readonly TagFailure[];
  /** With `untagged: all`, on the last page: manifests that no tag of the primary names and the secondary lacks. */
  readonly untagged?: readonly Digest[];
  /** Where to go on; absent on the last page. */
  readonly next?: string;
  /** The primary says that it has no such repository. */
  readonly absent?: boolean;
}
