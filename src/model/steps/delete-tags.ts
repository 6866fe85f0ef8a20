import type { Digest } from '../digest.ts';
import type { PlannedDeletion, PositiveControl } from './plan-deletions.ts';
import type { RepositoryStep } from './step.ts';

export interface DeleteTagsInput extends RepositoryStep {
  readonly deletions: readonly PlannedDeletion[];
  readonly controls: readonly PositiveControl[];
}

/** `unkept`, where it is held: what it stands for could not be kept. */
export interface DeletionOutcome extends PlannedDeletion {
  /**
   * `deleted`; `absent`: was not there any more; `back`: the primary holds the tag (again); `changed`: the secondary's tag is not what
   * Twinport put there; `held`: the registry or another user of the digest stands in the way; `unproved`: no evidence now, so nothing was done.
   */
  readonly result: 'deleted' | 'absent' | 'back' | 'changed' | 'held' | 'unproved';
  readonly reason?: string;
  /** `changed`: what the secondary's tag is now. */
  readonly found?: Digest;
}

export interface DeleteTagsResult {
  readonly summary: string;
  readonly outcomes: readonly DeletionOutcome[];
  readonly look: number;
}

export interface RecordDeletionsResult {
  readonly summary: string;
  /** Tags that hold something else that is ours, and are to be planned again. */
  readonly again?: number;
}

export interface RecordDeletionsInput extends RepositoryStep {
  readonly outcomes: readonly DeletionOutcome[];
  readonly look: number;
}
