import type { Logger } from 'pino';
import type { Ledger } from '../../ledger/ledger.ts';
import { settleFoundChanges } from '../../ledger/missed-events.ts';
import { failureOf } from '../../model/failure.ts';
import { repeat } from './repeat.ts';

const EVERY_MS = 60_000;

/** Tells every minute of the changes that scans found whether an event announced them. */
export function startMissedEvents({ ledger, logger }: { ledger: Ledger; logger: Logger }): { close(): Promise<void> } {
  const run = async (): Promise<void> => {
    try {
      const missed = await settleFoundChanges(ledger);
      if (missed > 0) logger.warn({ missed }, 'scans found changes that no event announced');
    } catch (error) {
      logger.debug({ failure: failureOf(error) }, 'whether events were missed cannot be told yet');
    }
  };
  return repeat(EVERY_MS, run);
}
