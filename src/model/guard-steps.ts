import type { PositiveControl, RepositoryStep } from './steps.ts';

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
