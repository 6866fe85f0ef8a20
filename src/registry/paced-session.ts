import type { Session } from './session.ts';
import { createRate, type Rate } from './transport/rate.ts';

/** A conversation whose rate may be changed. */
export interface PacedSession extends Session {
  /** So many requests a second; `undefined`: as they come. */
  readonly setRate: Rate['set'];
}

/**
 * The same conversation for work that has time: its requests are so many a second at most, and wait before they stand in the host's queue, so that nobody
 * else's stand behind them.
 */
export function pacedSession(session: Session, requestsPerSecond?: number): PacedSession {
  const requests = createRate(requestsPerSecond);
  return {
    ...session,
    setRate: requests.set,
    send: async (request) => {
      await requests.spend(1, request.signal);
      return session.send(request);
    },
    call: async (request) => {
      await requests.spend(1, request.signal);
      return session.call(request);
    },
  };
}
