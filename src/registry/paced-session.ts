import type { Session } from './session.ts';
import { createTokenBucket } from './transport/token-bucket.ts';

/**
 * The same conversation for work that has time: its requests are so many a second at most, and wait before they stand in the host's queue, so that nobody
 * else's stand behind them.
 */
export function pacedSession(session: Session, requestsPerSecond: number): Session {
  const bucket = createTokenBucket(requestsPerSecond);
  return {
    ...session,
    send: async (request) => {
      await bucket.spend(1, request.signal);
      return session.send(request);
    },
    call: async (request) => {
      await bucket.spend(1, request.signal);
      return session.call(request);
    },
  };
}
