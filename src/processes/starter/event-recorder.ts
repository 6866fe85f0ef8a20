import type { Logger } from 'pino';
import { failureOf } from '../../model/failure.ts';
import type { ReceivedChange } from './deliveries.ts';

const BATCH = 500;
const EVERY_MS = 250;
const LONGEST_QUEUE = 10_000;
const LAST_WRITE_MS = 2_000;

/** Writes down what was received, off the way of the answer. */
export interface EventRecorder {
  /** Takes changes for the record; when the ledger is slow for long, the oldest are given up. */
  record(received: readonly ReceivedChange[]): void;
  /** Writes what is left, within 2 s. */
  close(): Promise<void>;
  readonly dropped: number;
}

/** Makes the recorder of one starter; `write` inserts one batch. */
export function createEventRecorder(write: (batch: readonly ReceivedChange[]) => Promise<void>, logger: Logger): EventRecorder {
  let queue: ReceivedChange[] = [];
  let dropped = 0;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.slice(0, BATCH);
      const droppedBefore = dropped;
      try {
        await write(batch);
      } catch (error) {
        logger.warn({ failure: failureOf(error), waiting: queue.length }, 'received events are not recorded yet');
        return;
      }
      // While the batch was being written, the queue may have lost its oldest.
      queue = queue.slice(Math.max(0, batch.length - (dropped - droppedBefore)));
    }
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing = flush().finally(() => {
        writing = undefined;
        if (queue.length > 0) schedule();
      });
    }, EVERY_MS).unref();
  };

  return {
    get dropped() {
      return dropped;
    },
    record(received) {
      queue.push(...received);
      const over = queue.length - LONGEST_QUEUE;
      if (over > 0) {
        queue = queue.slice(over);
        dropped += over;
      }
      if (!writing) schedule();
    },
    async close() {
      clearTimeout(timer);
      const rest = (writing ?? Promise.resolve()).then(flush);
      await Promise.race([rest, new Promise((resolve) => setTimeout(resolve, LAST_WRITE_MS).unref())]);
    },
  };
}
