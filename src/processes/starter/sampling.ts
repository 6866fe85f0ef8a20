import { foldImageCounts } from '../../ledger/image-counts.ts';
import { keepSamples } from '../../ledger/site-samples.ts';
import { failureOf } from '../../model/failure.ts';
import { statusOfSites, type ControlParts } from './parts.ts';

const EVERY_MS = 60_000;

/** Keeps every minute how the sites are, for the curves, and adds up what the ledger has counted. */
export function startSampling(parts: ControlParts): { close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    try {
      await foldImageCounts(parts.ledger);
      await keepSamples(parts.ledger, await statusOfSites(parts));
    } catch (error) {
      parts.logger.debug({ failure: failureOf(error) }, 'how the sites are could not be kept');
    }
  };
  const timer = setInterval(() => {
    running = running.then(run);
  }, EVERY_MS).unref();
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
