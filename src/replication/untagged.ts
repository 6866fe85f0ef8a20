import type { Digest } from '../model/digest.ts';
import type { DeletionOutcome } from '../model/steps.ts';

/** What became of a tag that was to go. */
export type Untagged = Pick<DeletionOutcome, 'result' | 'reason' | 'unkept' | 'found'>;

/** The tag stands for something else than what was to go. */
export function changed(found: Digest): Untagged {
  return { result: 'changed', reason: `the secondary's tag is now ${found}`, found };
}

/** The registry answered a deletion with 405: a person must allow it there. */
export const REFUSED: Untagged = { result: 'held', reason: 'registry refuses deletes' };
