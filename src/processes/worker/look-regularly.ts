import type { Client } from '@temporalio/client';
import { failureOf } from '../../model/failure.ts';
import type { Logger } from '../../telemetry/index.ts';

const EVERY_MS = 2_000;

/** What a worker knows of its site from Temporal. */
export interface SiteWatch {
  readonly client: Client;
  readonly site: string;
  readonly logger: Logger;
}

/**
 * Looks every 2 s; while Temporal does not answer, what was so stays so. Has looked once when it returns: a worker that is started again knows from the
 * beginning.
 * @param what is not known when a look fails
 */
export async function lookRegularly(
  { site, logger }: SiteWatch,
  what: string,
  look: () => Promise<void>,
): Promise<{ close(): Promise<void> }> {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const again = async (): Promise<void> => {
    try {
      await look();
    } catch (thrown) {
      logger.debug({ site, failure: failureOf(thrown) }, `Temporal does not say ${what}`);
    }
    if (!closed) timer = setTimeout(() => void (running = again()), EVERY_MS).unref();
  };
  let running = again();
  await running;
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
