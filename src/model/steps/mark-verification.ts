import type { Digest } from '../digest.ts';
import type { Failure } from '../failure.ts';
import type { Referrers } from '../referrers.ts';
import type { RepositoryStep } from './step.ts';

export type SyncState = 'pending' | 'started' | 'synced' | 'failed';
export type VerificationState = 'pending' | 'started' | 'succeeded' | 'failed';

/** What an activity saw of one tag, for the ledger. */
export interface ImageOutcome {
  readonly tag: string;
  readonly digest?: Digest;
  readonly sync: SyncState;
  readonly verification: VerificationState;
  readonly failure?: Failure;
  /** When the attempt that looked was scheduled. */
  readonly look: number;
  readonly bytes?: number;
  readonly previous?: Digest;
  /** What the secondary's tag may hold by this look's doing, though it could not be verified: without it, nobody would know the tag as ours. */
  readonly put?: Digest;
  /** When the event that made us look was received. */
  readonly receivedAt?: number;
  readonly attempts?: number;
  readonly referrers?: Referrers;
  /** The primary no longer holds the tag and the secondary never did: the row goes. */
  readonly gone?: boolean;
}

export interface MarkVerificationInput extends RepositoryStep {
  readonly outcomes: readonly ImageOutcome[];
}

export interface MarkVerificationResult {
  readonly summary: string;
  readonly recorded: number;
  /** Tags whose looks overlapped and differed: they are `pending` and need another look. */
  readonly overlapping: readonly string[];
}
