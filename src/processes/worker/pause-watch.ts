import { abortable } from '../../registry/transport/abortable.ts';
import { isPaused } from '../temporal/pause.ts';
import { lookRegularly, type SiteWatch } from './look-regularly.ts';

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

/** Keeps a worker from beginning anything while its site is paused. */
export async function watchPause(watch: SiteWatch): Promise<PauseWatch> {
  const { client, site, logger } = watch;
  let paused: Pause | undefined;
  const looking = await lookRegularly(watch, 'whether the site is paused', async () => {
    const now = await isPaused(client, site);
    if (now === (paused !== undefined)) return;
    logger.info({ site }, now ? 'the site is paused: nothing is begun' : 'the site goes on');
    paused?.end();
    paused = now ? pause() : undefined;
  });
  return {
    ...looking,
    untilResumed: async (signal) => {
      while (paused) await abortable(paused.over, signal);
    },
  };
}

function pause(): Pause {
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  return { over, end };
}
