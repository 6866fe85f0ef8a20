import type { Logger } from 'pino';
import { failureOf } from '../../model/failure.ts';
import type { SitePolicy } from '../../model/policy.ts';
import { deliveriesOf, type Delivery, type ReceivedChange } from './deliveries.ts';
import { either, until } from './deadlines.ts';
import type { Gap } from './gap.ts';
import { RequestError } from './request-error.ts';
import { createSender } from './sender.ts';
import type { TemporalHealth } from './temporal-health.ts';

/** Of the 500 ms that a registry waits: unanswered by Temporal until then, a change is put into the inbox as well. */
const HEDGE_MS = 250;
/** Without any answer for so long, Temporal is taken to be away. */
const TEMPORAL_MS = 360;
/** The longest that we try before we say no: a late yes is better than that, and a registry that gave up only sends again. */
const LONGEST_MS = 1_400;
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
  readonly gap: Gap;
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
  const sender = createSender(parts);
  const { launch } = sender;
  const store = async (deliveries: readonly Delivery[]): Promise<boolean> => {
    try {
      await parts.store(deliveries.flatMap(rowsOf));
      return true;
    } catch (error) {
      logger.error({ failure: failureOf(error) }, 'the inbox did not take an event');
      return false;
    }
  };

  /** Says no by then, and notes that nobody at all was answered since. */
  const answered = async (over: Promise<boolean>, since: number): Promise<boolean> => {
    const all = await until(since + TEMPORAL_MS, over);
    if (all === undefined && health.answeredAt < since) health.away = true;
    return all ?? until(since + LONGEST_MS, over).then((late) => late ?? false);
  };

  /** Both ways at once where Temporal is slow, the inbox first where it is away. */
  const makeDurable = async (deliveries: readonly Delivery[], since: number): Promise<readonly Delivery[]> => {
    if (health.away || deliveries.length > AT_ONCE) {
      if (await until(since + LONGEST_MS, store(deliveries))) return deliveries;
      const { over } = launch(deliveries);
      if (await until(since + LONGEST_MS, over)) return [];
      throw refusal();
    }
    const { left, over } = launch(deliveries);
    if (await until(since + HEDGE_MS, over)) return [];
    const rest = [...left];
    const stored = until(since + LONGEST_MS, store(rest)).then((yes) => yes ?? false);
    if (await either(stored, answered(over, since))) return left.size === 0 ? [] : rest;
    throw refusal();
  };

  return {
    async accept(received) {
      const { deliveries, outOfScope } = deliveriesOf(received, parts.policies);
      try {
        const stored = deliveries.length === 0 ? [] : await makeDurable(deliveries, performance.now());
        return { sent: deliveries.length - stored.length, stored: stored.length, outOfScope };
      } catch (error) {
        parts.gap.pending = true;
        throw error;
      } finally {
        // What runs now may be lost to an outage in ways that no entry of the inbox tells.
        if (health.away) parts.gap.pending = true;
      }
    },

    async deliver(received, policy) {
      await Promise.all(deliveriesOf([received], [policy]).deliveries.map(sender.fly));
    },

    close: () => sender.close(),
  };
}

function refusal(): RequestError {
  return new RequestError(503, 'UNAVAILABLE', 'neither Temporal nor the ledger takes events now; send this one again', {
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
}

function rowsOf(delivery: Delivery): InboxRow[] {
  return delivery.changes.map(({ change, receivedAt }) => ({ site: delivery.policy.site, change, receivedAt }));
}
