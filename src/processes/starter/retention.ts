import type { Logger } from 'pino';
import type { Ledger } from '../../ledger/ledger.ts';
import { sweep, type LedgerRetention } from '../../ledger/sweep.ts';
import { failureOf } from '../../model/failure.ts';

const FIRST_MS = 60_000;
const EVERY_MS = 3_600_000;

/** Sweeps the ledger every hour: what is older than the retention goes, held deletions expire, abandoned states are taken back. */
export function startRetention(parts: { ledger: Ledger; retention: LedgerRetention; logger: Logger }): { close(): Promise<void> } {
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    try {
      const swept = await sweep(parts.ledger, parts.retention);
      parts.logger.debug({ swept }, 'the ledger was swept');
      if (swept.recounted > 0) parts.logger.warn({ sites: swept.recounted }, 'counts of images were wrong, and are right again');
    } catch (error) {
      parts.logger.warn({ failure: failureOf(error) }, 'the ledger could not be swept; the next try is in an hour');
    }
    schedule(EVERY_MS);
  };
  let timer: NodeJS.Timeout | undefined;
  const schedule = (ms: number): void => {
    if (closed) return;
    timer = setTimeout(() => {
      running = run();
    }, ms).unref();
  };
  schedule(FIRST_MS);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
