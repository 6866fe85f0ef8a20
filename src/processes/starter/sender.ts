import type { Logger } from 'pino';
import { failureOf } from '../../model/failure.ts';
import type { Delivery } from './deliveries.ts';
import { singleFlight } from './flights.ts';
import { isTemporalAway, type TemporalHealth } from './temporal-health.ts';

/** The parts of a sender. */
export interface SenderParts {
  readonly send: (delivery: Delivery) => Promise<void>;
  readonly health: TemporalHealth;
  readonly logger: Logger;
}

/** Deliveries on their way. */
export interface Launched {
  /** What Temporal has not taken yet. */
  readonly left: ReadonlySet<Delivery>;
  /** When all have been answered: whether all were taken. */
  readonly over: Promise<boolean>;
}

/** Hands deliveries to Temporal, one of a key at a time, and notes whether it answers. */
export interface Sender {
  /** @throws what Temporal's client throws */
  fly(delivery: Delivery): Promise<void>;
  /** Sends all; who fails stays in `left`. */
  launch(deliveries: readonly Delivery[]): Launched;
  /** Waits for the calls whose answer nobody waits for any more: the client may not be closed under them. */
  close(): Promise<void>;
}

/** Makes the sender of one starter. */
export function createSender({ send, health, logger }: SenderParts): Sender {
  const underWay = new Set<Promise<void>>();
  const tracked = async (delivery: Delivery): Promise<void> => {
    const sending = send(delivery);
    underWay.add(sending);
    try {
      await sending;
    } finally {
      underWay.delete(sending);
    }
  };
  const fly = singleFlight(async (delivery) => {
    try {
      await tracked(delivery);
      health.away = false;
      health.answeredAt = performance.now();
    } catch (error) {
      if (isTemporalAway(error)) health.away = true;
      throw error;
    }
  });
  return {
    fly,
    launch(deliveries) {
      const left = new Set(deliveries);
      const sends = deliveries.map(async (delivery) => {
        try {
          await fly(delivery);
          left.delete(delivery);
        } catch (error) {
          logger.warn(
            { site: delivery.policy.site, repository: delivery.repository, failure: failureOf(error) },
            'Temporal did not take a look',
          );
        }
      });
      return { left, over: Promise.all(sends).then(() => left.size === 0) };
    },
    async close() {
      while (underWay.size > 0) await Promise.allSettled([...underWay]);
    },
  };
}
