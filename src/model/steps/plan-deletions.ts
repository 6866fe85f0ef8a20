import type { Digest } from '../digest.ts';
import type { Notice, RepositoryStep, TaggedImage } from './step.ts';

export interface PlanDeletionsInput extends RepositoryStep {
  readonly candidates: readonly TaggedImage[];
  /** Tags and digests that delete events named. */
  readonly events: readonly Notice[];
  /** When the listing that lacked them was scheduled. */
  readonly look: number;
  /** How far apart two listings must be; 0 when a person runs `sync`, which lists twice at once. */
  readonly confirmAfterMs: number;
}

/** A tag that the ledger knows to be at the primary: reading it proves that the primary answers truthfully. */
export interface PositiveControl {
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
}

export interface PlannedDeletion {
  readonly id: string;
  readonly tag: string;
  readonly digest: Digest;
  /** May go even where the digest cannot be kept under a tag of its own: then nothing brings it back. */
  readonly unkept?: boolean;
}

export interface PlanDeletionsResult {
  readonly summary: string;
  /** May go now; the budget is reserved. */
  readonly approved: readonly PlannedDeletion[];
  readonly controls: readonly PositiveControl[];
  readonly held: number;
  /** Not yet confirmed by a second listing. */
  readonly waiting: number;
}
