import { isTwinportError, TwinportError } from '../../../model/failure.ts';
import { remoteApi, type ApiClient } from '../api-client.ts';
import { readRunning, type RunFile } from '../data-dir.ts';

/** The Twinport that was joined is no more: who wants its work done does it. */
const ENDED = 'ended';

/**
 * The API of another process on a data directory, which says apart whether that process has ended, or is about to: then what it says, or
 * that it says nothing, is not the answer.
 */
export function joinedApi(dataDir: string, running: RunFile): ApiClient {
  const api = remoteApi(running.url, running.token);
  const told = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (cause) {
      const now = await readRunning(dataDir);
      if (now?.pid === running.pid && now.startTime === running.startTime) throw cause;
      const message = `${running.command} (pid ${running.pid}) has ended`;
      throw Object.assign(new TwinportError('UNREACHABLE', message, { cause, retry: 'later' }), { [ENDED]: true });
    }
  };
  return { ...api, get: (path) => told(api.get(path)), post: (path, body) => told(api.post(path, body)) };
}

/** Says whether a call failed because the joined process has ended. */
export function hasEnded(error: unknown): boolean {
  return isTwinportError(error) && ENDED in error;
}
