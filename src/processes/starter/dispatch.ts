import type { Logger } from 'pino';
import { failureOf } from '../../model/failure.ts';
import type { SitePolicy } from '../../model/policy.ts';
import { deliveriesOf, type Delivery, type ReceivedChange } from './deliveries.ts';
import { singleFlight } from './flights.ts';
import { RequestError } from './request-error.ts';
import { isLookPending, isTemporalAway, type TemporalHealth } from './temporal-health.ts';

/** An answer is due 500 ms after the request; Temporal may have this much of it, the rest is for the inbox. */
const TEMPORAL_MS = 360;
const ANSWER_MS = 480;
/** An envelope of more than this goes to the inbox in one insert: a thousand calls at once would not be answered in time. */
const AT_ONCE = 100;
const RETRY_AFTER_SECONDS = 5;

/** What became of a request's changes. */
export interface Accepted {
  /** Deliveries that Temporal holds. */
  readonly sent: number;
  /** Deliveries that the inbox holds. */
  readonly stored: number;
  /** Changes that no site replicates. */
  readonly outOfScope: number;
}

/** What an inbox entry says: one site's share of a change. */
export interface InboxRow {
  readonly site: string;
  readonly change: ReceivedChange['change'];
  readonly receivedAt: number;
}

/** The parts of a dispatcher. */
export interface DispatcherParts {
  readonly policies: readonly SitePolicy[];
  /** Hands a delivery to Temporal; must give up by itself after about 350 ms. */
  readonly send: (delivery: Delivery) => Promise<void>;
  readonly store: (rows: readonly InboxRow[]) => Promise<void>;
  readonly health: TemporalHealth;
  /** Called when something was not taken at once, so that a scan must follow. */
  readonly onGap: () => void;
  readonly logger: Logger;
}

/** Makes changes durable: in Temporal, else in the ledger's inbox. */
export interface Dispatcher {
  /**
   * Resolves once every change is durable.
   * @throws {RequestError} 503 UNAVAILABLE (neither Temporal nor the ledger took it)
   */
  accept(received: readonly ReceivedChange[]): Promise<Accepted>;
  /** Hands one change to one site's workflow, without the inbox; throws what Temporal said. */
  deliver(received: ReceivedChange, policy: SitePolicy): Promise<void>;
  /** Waits for the calls whose answer nobody waits for any more: the client may not be closed under them. */
  close(): Promise<void>;
}

/** Makes the dispatcher of one starter. */
export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const { health, logger } = parts;
  const underWay = new Set<Promise<void>>();
  const send = async (delivery: Delivery): Promise<void> => {
    const sending = parts.send(delivery);
    underWay.add(sending);
    try {
      await sending;
    } finally {
      underWay.delete(sending);
    }
  };
  const fly = singleFlight(async (delivery) => {
    try {
      await send(delivery);
      health.away = false;
      health.answeredAt = performance.now();
    } catch (error) {
      if (isLookPending(error)) return;
      if (isTemporalAway(error)) health.away = true;
      throw error;
    }
  });

  const trySend = async (delivery: Delivery, deadline: number): Promise<Delivery | undefined> => {
    const since = performance.now();
    try {
      await before(deadline, fly(delivery));
      return undefined;
    } catch (error) {
      // Nobody was answered all the while: it is not this one call that is slow.
      if (isTemporalAway(error) && health.answeredAt < since) health.away = true;
      logger.warn(
        { site: delivery.policy.site, repository: delivery.repository, failure: failureOf(error) },
        'Temporal did not take a look',
      );
      return delivery;
    }
  };
  const trySendAll = async (deliveries: readonly Delivery[], deadline: number): Promise<Delivery[]> =>
    (await Promise.all(deliveries.map((delivery) => trySend(delivery, deadline)))).filter((delivery) => delivery !== undefined);

  const tryStore = async (deliveries: readonly Delivery[], deadline: number): Promise<boolean> => {
    try {
      await before(deadline, parts.store(deliveries.flatMap(rowsOf)));
      return true;
    } catch (error) {
      logger.error({ failure: failureOf(error) }, 'the inbox did not take an event');
      return false;
    }
  };

  return {
    async accept(received) {
      const now = performance.now();
      const { deliveries, outOfScope } = deliveriesOf(received, parts.policies);
      const straight = health.away || deliveries.length > AT_ONCE;
      let left = straight ? deliveries : await trySendAll(deliveries, now + TEMPORAL_MS);
      const counts = { sent: deliveries.length - left.length, stored: left.length, outOfScope };
      if (left.length === 0) return counts;
      parts.onGap();
      if (await tryStore(left, now + ANSWER_MS)) return counts;
      if (straight) left = await trySendAll(left, now + ANSWER_MS);
      if (left.length === 0) return { sent: deliveries.length, stored: 0, outOfScope };
      throw new RequestError(503, 'UNAVAILABLE', 'neither Temporal nor the ledger takes events now; send this one again', {
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    },

    async deliver(received, policy) {
      await Promise.all(deliveriesOf([received], [policy]).deliveries.map(fly));
    },

    async close() {
      while (underWay.size > 0) await Promise.allSettled([...underWay]);
    },
  };
}

function rowsOf(delivery: Delivery): InboxRow[] {
  return delivery.changes.map(({ change, receivedAt }) => ({ site: delivery.policy.site, change, receivedAt }));
}

/** Waits no longer than until `deadline` (by `performance.now`); what is under way then goes on, and repeats are harmless. */
async function before<T>(deadline: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const expire = () => reject(Object.assign(new Error('no answer in time'), { code: 4 }));
    timer = setTimeout(expire, Math.max(0, deadline - performance.now()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Whoever comes too late must not end the process.
    work.catch(() => undefined);
  }
}
