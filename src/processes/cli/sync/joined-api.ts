import { isTwinportError, TwinportError } from '../../../model/failure.ts';
import { remoteApi, type ApiClient } from '../api-client.ts';
import type { RunFile } from '../data-dir.ts';
import { isRunning } from '../process-identity.ts';

/** The Twinport that was joined is no more: who wants its work done does it. */
const ENDED = 'ended';

/** The API of another process, which says apart whether that process has ended or only does not answer. */
export function joinedApi(running: RunFile): ApiClient {
  const api = remoteApi(running.url, running.token);
  const told = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      if (!isTwinportError(error) || error.code !== 'UNREACHABLE' || (await isRunning(running))) throw error;
      throw Object.assign(
        new TwinportError('UNREACHABLE', `${running.command} (pid ${running.pid}) has ended`, { cause: error, retry: 'later' }),
        { [ENDED]: true },
      );
    }
  };
  return { ...api, get: (path) => told(api.get(path)), post: (path, body) => told(api.post(path, body)) };
}

/** Says whether a call failed because the joined process has ended. */
export function hasEnded(error: unknown): boolean {
  return isTwinportError(error) && ENDED in error;
}
