import type { Digest } from './digest.ts';
import type { PositiveControl, RepositoryStep } from './steps.ts';
import type { UndoOrder } from './undo-order.ts';

/* The wire contract of the steps that keep a secondary from losing what it should not: see `steps.ts`. */

// ---- a primary that may have regressed ------------------------------------------------------------------------

export interface SampleDigestsInput extends RepositoryStep {
  readonly sample: readonly PositiveControl[];
}

export interface SampleDigestsResult {
  readonly summary: string;
  readonly sampled: number;
  /** How many of them the primary does not hold. */
  readonly missing: number;
}

export interface JudgePrimaryInput extends RepositoryStep {
  readonly sampled: number;
  readonly missing: number;
}

export interface JudgePrimaryResult {
  readonly summary: string;
  /** Nothing at the site may be overwritten or deleted. */
  readonly regressed: boolean;
}

// ---- keeping --------------------------------------------------------------------------------------------------

export interface SweepKeptInput extends RepositoryStep {
  readonly tags: readonly string[];
}

export interface SweepKeptResult {
  readonly summary: string;
  readonly removed: number;
}

// ---- setting a tag back ---------------------------------------------------------------------------------------

export interface RestoreTagInput extends RepositoryStep {
  readonly order: UndoOrder;
}

export interface RestoreTagResult {
  readonly summary: string;
  /**
   * `restored`: the tag was read back at the digest that was asked for; `lacking`: the secondary lacks some of its content, and nothing was changed;
   * `changed`: the tag stands for something that the ledger did not know of, so that nobody can have meant it.
   */
  readonly result: 'restored' | 'lacking' | 'changed';
  /** Why it was not done; or, where it was, why what the tag lost could not be kept. */
  readonly reason?: string;
  /** What the tag stood for and lost. */
  readonly previous?: Digest;
  /** When the attempt that read it back was scheduled. */
  readonly look: number;
}

export interface RecordUndoInput extends RepositoryStep {
  readonly order: UndoOrder;
  /** Absent: it was not done, for this reason. */
  readonly restored?: Pick<RestoreTagResult, 'previous' | 'look'>;
  readonly reason?: string;
}
