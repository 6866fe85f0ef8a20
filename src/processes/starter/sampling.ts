import { foldImageCounts } from '../../ledger/image-counts.ts';
import { keepSamples } from '../../ledger/site-samples.ts';
import { failureOf } from '../../model/failure.ts';
import { statusOfSites, type ControlParts } from './parts.ts';
import { repeat } from './repeat.ts';

const EVERY_MS = 60_000;

/** Keeps every minute how the sites are, for the curves, and adds up what the ledger has counted. */
export function startSampling(parts: ControlParts): { close(): Promise<void> } {
  const run = async (): Promise<void> => {
    try {
      await foldImageCounts(parts.ledger);
      await keepSamples(parts.ledger, await statusOfSites(parts));
    } catch (error) {
      parts.logger.debug({ failure: failureOf(error) }, 'how the sites are could not be kept');
    }
  };
  return repeat(EVERY_MS, run);
}
