import type { DeletionOutcome } from '../model/steps.ts';

/** What became of a tag that was to go. */
export type Untagged = Pick<DeletionOutcome, 'result' | 'reason' | 'unkept'>;

/** The registry answered a deletion with 405: a person must allow it there. */
export const REFUSED: Untagged = { result: 'held', reason: 'registry refuses deletes' };
