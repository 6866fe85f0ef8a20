import type { Client } from '@temporalio/client';
import { failureOf } from '../../model/failure.ts';
import { abortable } from '../../registry/transport/abortable.ts';
import type { Logger } from '../../telemetry/index.ts';
import { isPaused } from '../temporal/pause.ts';

const EVERY_MS = 2_000;

/** Whether the site of a worker is paused. */
export interface PauseWatch {
  /** Waits while it is. @throws {TwinportError} CANCELLED */
  untilResumed(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

interface Pause {
  readonly over: Promise<void>;
  readonly end: () => void;
}

/** Asks Temporal every 2 s; while it does not answer, what was so stays so. Has asked once when it returns: a worker that is started again begins nothing either. */
export async function watchPause(client: Client, site: string, logger: Logger): Promise<PauseWatch> {
  let paused: Pause | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    try {
      const now = await isPaused(client, site);
      if (now === (paused !== undefined)) return;
      logger.info({ site }, now ? 'the site is paused: nothing is begun' : 'the site goes on');
      paused?.end();
      paused = now ? pause() : undefined;
    } catch (thrown) {
      logger.debug({ site, failure: failureOf(thrown) }, 'Temporal does not say whether the site is paused');
    }
  };
  const again = async (): Promise<void> => {
    await look();
    if (!closed) timer = setTimeout(() => void (running = again()), EVERY_MS).unref();
  };
  let running = again();
  await running;
  return {
    untilResumed: async (signal) => {
      while (paused) await abortable(paused.over, signal);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}

function pause(): Pause {
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  return { over, end };
}
