import type { Digest } from '../digest.ts';
import type { Look, RepositoryStep } from './step.ts';

export interface SyncImageInput extends RepositoryStep {
  readonly tag: string;
  /** The look that was pending at a continue-as-new. */
  readonly pending?: Look;
  /** Failed attempts so far. */
  readonly attempts?: number;
  /** Puts of the tag since it was last seen to stay. */
  readonly puts?: number;
}

export interface SyncImageResult {
  readonly summary: string;
  readonly digest?: Digest;
  readonly rounds: number;
}
