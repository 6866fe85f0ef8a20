import { setTimeout as sleep } from 'node:timers/promises';
import { isTwinportError, TwinportError } from '../../../model/failure.ts';
import { remoteApi, type ApiClient } from '../api-client.ts';
import { readRunning, type RunFile } from '../data-dir.ts';

/** The Twinport that was joined is no more: who wants its work done does it. */
const ENDED = 'ended';

/** A process that was killed a moment ago may still be seen. */
const DYING_MS = 500;

/**
 * The API of another process on a data directory, for as long as that says so in `run.json`. From then on it is about to end, and what it
 * answers, or that it does not, says nothing of the work: every call fails, and `hasEnded` tells why. Nothing is begun with it any more.
 */
export function joinedApi(dataDir: string, running: RunFile): ApiClient {
  const api = remoteApi(running.url, running.token);
  const isServed = async (): Promise<boolean> => {
    const now = await readRunning(dataDir);
    return now?.pid === running.pid && now.startTime === running.startTime;
  };
  const requireServed = async (patienceMs: number, cause?: unknown): Promise<void> => {
    const deadline = performance.now() + patienceMs;
    while (await isServed()) {
      if (performance.now() >= deadline) return;
      await sleep(50);
    }
    const message = `${running.command} (pid ${running.pid}) has ended, or is about to`;
    throw Object.assign(new TwinportError('UNREACHABLE', message, { cause, retry: 'later' }), { [ENDED]: true });
  };
  const told = async <T>(call: Promise<T>): Promise<T> => {
    const [outcome] = await Promise.allSettled([call]);
    if (outcome.status === 'fulfilled') {
      await requireServed(0);
      return outcome.value;
    }
    const cause: unknown = outcome.reason;
    await requireServed(isTwinportError(cause) && cause.code === 'UNREACHABLE' ? DYING_MS : 0, cause);
    throw cause;
  };
  return {
    ...api,
    get: (path) => told(api.get(path)),
    async post(path, body) {
      await requireServed(0);
      return told(api.post(path, body));
    },
  };
}

/** Says whether a call failed because the joined process has ended. */
export function hasEnded(error: unknown): boolean {
  return isTwinportError(error) && ENDED in error;
}
