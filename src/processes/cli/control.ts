import type { Logger } from 'pino';
import { readConfig } from './read-config.ts';
import { remoteApi, type ApiClient } from './api-client.ts';
import { readRunning } from './data-dir.ts';
import type { ExitCode } from './exit-code.ts';

/** Works with the API of whoever runs: `control.url`, else the process of `run.json`, else the API made here over the ledger. */
export async function withApi(file: string | undefined, logger: Logger, work: (api: ApiClient) => Promise<ExitCode>): Promise<ExitCode> {
  const api = await openApi(file, logger);
  try {
    return await work(api);
  } finally {
    await api.close();
  }
}

/** Opens the API; whoever opens it closes it. */
export async function openApi(file: string | undefined, logger: Logger): Promise<ApiClient> {
  const config = readConfig({ ...(file === undefined ? {} : { file }), sections: ['control'] });
  if (config.control.url !== undefined) return remoteApi(config.control.url, config.control.token);
  const running = await readRunning(config.dataDir);
  if (running) return remoteApi(running.url, running.token);
  // Only now: the parts of a whole Twinport take half a second to load.
  const { localApi } = await import('./local-api.ts');
  return localApi(config.file, logger);
}
