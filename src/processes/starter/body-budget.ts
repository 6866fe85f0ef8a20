import { pipeline, Transform, type Readable } from 'node:stream';
import { RequestError } from './request-error.ts';

const RETRY_AFTER_SECONDS = 5;

/** Lets bodies through as long as all that were let in hold no more than so many bytes together. */
export type BodyBudget = (body: Readable) => Readable;

/**
 * Makes a budget for the bodies of senders that prove themselves by a signature of the body: until it has come whole anybody may be
 * sending. What counts is what has arrived, not what a stranger announces; the body that goes over it ends with 503.
 */
export function createBodyBudget(bytes: number): BodyBudget {
  let held = 0;
  return (body) => {
    let own = 0;
    const counted = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        own += chunk.length;
        held += chunk.length;
        if (held > bytes) done(overBudget());
        else done(null, chunk);
      },
    });
    counted.once('close', () => {
      held -= own;
    });
    // A failure of either side shows at `counted`, whose reader is told.
    pipeline(body, counted, () => undefined);
    return counted;
  };
}

function overBudget(): RequestError {
  return new RequestError(503, 'UNAVAILABLE', 'too many unproved bodies arrive at once; send this event again', {
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
}
