import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Ledger } from '../../ledger/ledger.ts';
import { setPaused } from '../../ledger/sites.ts';
import { heartbeatWorkers } from '../../ledger/workers.ts';
import { failureOf } from '../../model/failure.ts';
import { isPaused } from '../temporal/pause.ts';
import { createWorkerRoll } from '../temporal/workers.ts';

const EVERY_MS = 5_000;
const SOON_MS = 1_000;
const PAUSE_MS = 2_000;
/** Writes down every 5 s (every second until the first are seen) which workers of each site are there, and which site is paused, by Temporal's own account. */
export function startWorkerWatch(parts: {
  client: Client;
  namespace: string;
  ledger: Ledger;
  sites: readonly { name: string }[];
  logger: Logger;
}): {
  close(): Promise<void>;
} {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const paused = new Map<string, boolean>();
  // A pause may be begun and ended in Temporal, without us.
  const notePause = async (name: string): Promise<void> => {
    const now = await parts.client.connection.withDeadline(Date.now() + PAUSE_MS, () => isPaused(parts.client, name));
    if (paused.get(name) === now) return;
    await setPaused(parts.ledger, name, now);
    paused.set(name, now);
  };
  const roll = createWorkerRoll(parts.client, parts.namespace);
  const unseen = new Set(parts.sites.map(({ name }) => name));
  const look = async (name: string): Promise<void> => {
    try {
      const there = await roll.call(name);
      await heartbeatWorkers(parts.ledger, name, there);
      if (there.length > 0) unseen.delete(name);
      await notePause(name);
    } catch (error) {
      parts.logger.debug({ site: name, failure: failureOf(error) }, 'the site’s workers could not be asked for');
    }
  };
  const run = async (): Promise<void> => {
    // Together: one that is slow to be asked for must not make the others look gone.
    await Promise.all(parts.sites.map(({ name }) => look(name)));
    if (!closed) timer = setTimeout(() => void (running = run()), unseen.size > 0 ? SOON_MS : EVERY_MS).unref();
  };
  let running = run();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
