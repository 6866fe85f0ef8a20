import { mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import type { Logger } from 'pino';
import type { TwinportError } from '../../model/failure.ts';
import { keepRunning, type KeptServer } from './keep-running.ts';
import { startPostgres, type EmbeddedPostgres } from './postgres.ts';

/** The embedded ledger's server, and where it is found also after it was started again. */
export interface KeptPostgres {
  readonly server: KeptServer;
  readonly poolConfig: PoolConfig;
}

/**
 * Starts PostgreSQL, and again when it ends by itself. Each start has a socket folder of its own, so clients go through a link.
 * @throws {TwinportError} as `startPostgres`
 */
export async function keepPostgres(options: {
  dataDir: string;
  logger: Logger;
  fail: (error: TwinportError) => void;
}): Promise<KeptPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'twinport-sockets-'));
  const link = join(folder, 'pg');
  const start = async (): Promise<EmbeddedPostgres> => {
    const postgres = await startPostgres({ dataDir: options.dataDir });
    const draft = `${link}-${postgres.pid}`;
    await symlink(String(postgres.poolConfig.host), draft);
    await rename(draft, link);
    return postgres;
  };
  let first: EmbeddedPostgres;
  try {
    first = await start();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const kept = keepRunning({ name: 'PostgreSQL', first, again: start, fail: options.fail, logger: options.logger });
  return {
    poolConfig: { ...first.poolConfig, host: link },
    server: {
      name: kept.name,
      get pid() {
        return kept.pid;
      },
      async stop() {
        await kept.stop();
        await rm(folder, { recursive: true, force: true });
      },
    },
  };
}
