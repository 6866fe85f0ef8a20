import { mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import type { Logger } from 'pino';
import type { TwinportError } from '../../model/failure.ts';
import { keepRunning, type KeptServer } from './keep-running.ts';
import { startPostgres, type EmbeddedPostgres } from './postgres.ts';

/** Of a Unix socket's path, by the system's own definition, and of what PostgreSQL appends. */
const LONGEST_SOCKET_BYTES = 107;
const SOCKET_BYTES = '/.s.PGSQL.5432'.length;

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
  /** Told once a process of the first start is there, ready or not. */
  onSpawn?: () => void;
}): Promise<KeptPostgres> {
  const { link, remove } = await choosePath(options.dataDir);
  const start = async (onSpawn?: () => void): Promise<EmbeddedPostgres> => {
    const postgres = await startPostgres({ dataDir: options.dataDir, onSpawn });
    const draft = `${link}-${postgres.pid}`;
    await symlink(String(postgres.poolConfig.host), draft);
    await rename(draft, link);
    return postgres;
  };
  let first: EmbeddedPostgres;
  try {
    first = await start(options.onSpawn);
  } catch (error) {
    await remove();
    throw error;
  }
  const kept = keepRunning({ name: 'PostgreSQL', first, again: () => start(), fail: options.fail, logger: options.logger });
  return {
    poolConfig: { ...first.poolConfig, host: link },
    server: {
      name: kept.name,
      get pid() {
        return kept.pid;
      },
      async stop() {
        await kept.stop();
        await remove();
      },
    },
  };
}

/** In the data directory, where a killed process leaves no more than what the next one replaces; elsewhere if its path is too long. */
async function choosePath(dataDir: string): Promise<{ link: string; remove: () => Promise<void> }> {
  const link = join(dataDir, 'pg-sockets');
  if (Buffer.byteLength(link) + SOCKET_BYTES <= LONGEST_SOCKET_BYTES) return { link, remove: () => rm(link, { force: true }) };
  const folder = await mkdtemp(join(tmpdir(), 'twinport-sockets-'));
  return { link: join(folder, 'pg'), remove: () => rm(folder, { recursive: true, force: true }) };
}
