import type { Failure } from './failure.ts';
import type { Look } from './steps.ts';

/** Where one round left one image. */
export type Outcome =
  | { readonly kind: 'settled' }
  /** The primary's tag is not what the event said, or is not there: the event came early, or was overtaken. */
  | { readonly kind: 'unexpected' }
  /** The tag moved, content was lost meanwhile, or another look differed: at once again. */
  | { readonly kind: 'again' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** What `syncImage` does next. */
export type Next =
  | { readonly do: 'return' }
  | { readonly do: 'look'; readonly afterMs: number }
  /** Look whether what was put has stayed. */
  | { readonly do: 'check'; readonly afterMs: number }
  | { readonly do: 'back-off' }
  | { readonly do: 'fail'; readonly failure: Failure };

/** Looks after the activity's own second: an event overtakes its tag by milliseconds, a slow registry or a cache by more. */
export const LATER_LOOKS_MS = [2_000, 10_000, 30_000] as const;
/** A source that names no digest cannot tell that it was early: one more look. */
const BLIND_LOOK_MS = 5_000;
/** By then whatever an attempt that was given up had put on its way has arrived, or never will. */
const CHECK_MS = 30_000;
/** Rounds at once in a row; a tag that moves faster than it can be copied waits like one that failed. */
const AGAIN_AT_ONCE = 10;

/**
 * Decides what follows a round.
 * @param looked how many later looks this event has had
 * @param again how many rounds in a row ended `again`
 * @param puts how often the tag was put since it was last seen to stay, by attempts that were given up too: of several the last to arrive counts
 */
export function nextStep(outcome: Outcome, look: Look, looked: number, again: number, puts: number): Next {
  switch (outcome.kind) {
    case 'settled':
      if (look.lookAgain === true && looked === 0) return { do: 'look', afterMs: BLIND_LOOK_MS };
      return puts > 1 ? { do: 'check', afterMs: CHECK_MS } : { do: 'return' };
    case 'unexpected': {
      const afterMs = LATER_LOOKS_MS[looked];
      return afterMs === undefined ? { do: 'return' } : { do: 'look', afterMs };
    }
    case 'again':
      return again < AGAIN_AT_ONCE ? { do: 'look', afterMs: 0 } : { do: 'back-off' };
    case 'failed':
      return outcome.failure.retry === 'never' ? { do: 'fail', failure: outcome.failure } : { do: 'back-off' };
  }
}

/** Whether no later look can follow: then what was seen is what counts. */
export function isLastLook(looked: number): boolean {
  return looked >= LATER_LOOKS_MS.length;
}

/** Two looks at one tag become one: the later event's digest is what should be seen; a look that no event asked for changes nothing of that. */
export function mergeLooks(earlier: Look | undefined, later: Look): Look {
  if (!earlier) return later;
  const receivedAt = earlier.receivedAt ?? later.receivedAt;
  const expected = later.digest === undefined && later.lookAgain !== true ? earlier : later;
  return { ...expected, ...(receivedAt === undefined ? {} : { receivedAt }) };
}
