import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Ledger } from '../../ledger/ledger.ts';
import { setPaused } from '../../ledger/sites.ts';
import { heartbeatWorkers, noteWorkersAsked } from '../../ledger/workers.ts';
import { failureOf } from '../../model/failure.ts';
import { isPaused } from '../temporal/pause.ts';
import { createWorkerRoll } from '../temporal/workers.ts';
import { probeTemporal } from './probes.ts';

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
  // A pause may be begun and ended in Temporal, without us.
  const notePause = async (name: string): Promise<void> => {
    const now = await parts.client.connection.withDeadline(Date.now() + PAUSE_MS, () => isPaused(parts.client, name));
    await setPaused(parts.ledger, name, now);
  };
  const roll = createWorkerRoll(parts.client, parts.namespace);
  const unseen = new Set(parts.sites.map(({ name }) => name));
  const look = async (name: string): Promise<boolean> => {
    try {
      const there = await roll.call(name);
      await heartbeatWorkers(parts.ledger, name, there);
      if (there.length > 0) unseen.delete(name);
      await notePause(name);
      return true;
    } catch (error) {
      parts.logger.debug({ site: name, failure: failureOf(error) }, 'the site’s workers could not be asked for');
      return false;
    }
  };
  const lookAtAll = async (): Promise<void> => {
    try {
      // Once, and not for each site: while it is away none of them can be told of.
      await probeTemporal(parts.client);
      // Together: one that is slow to be asked for must not make the others look gone.
      const told = await Promise.all(parts.sites.map(({ name }) => look(name)));
      if (told.every((one) => one)) await noteWorkersAsked(parts.ledger);
    } catch (error) {
      parts.logger.debug({ failure: failureOf(error) }, 'nobody can tell which workers are there');
    }
  };
  const run = async (): Promise<void> => {
    await lookAtAll();
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
