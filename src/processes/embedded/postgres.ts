import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import { chooseAccount } from './postgres-account.ts';
import { placeBinaries } from './postgres-binaries.ts';
import { ensureCluster, ROLE } from './postgres-cluster.ts';
import { choosePlace } from './postgres-place.ts';
import { refuseSecondServer } from './postgres-lock.ts';
import { runServer } from './postgres-server.ts';

/** What the embedded server is to be. */
export interface PostgresOptions {
  /** Absolute; the database lies below it, or below /var/lib/twinport where the server's user cannot enter it. */
  readonly dataDir: string;
  /** Told where the data went and what was mended. */
  readonly logger?: { info(fields: object, message: string): void };
  /** More of PostgreSQL's own settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told once a process is there that makes the files, or runs on them. */
  readonly onSpawn?: (() => void) | undefined;
}

/** A running server. */
export interface EmbeddedPostgres {
  /** For clients that take a URL; it names a Unix socket. */
  readonly url: string;
  readonly poolConfig: PoolConfig;
  /** Of the postmaster. */
  readonly pid: number;
  /** The server's log. */
  readonly logFile: string;
  /** When the server has ended, asked to or not; never rejects. */
  readonly ended: Promise<void>;
  /** A fast shutdown, awaited; the socket's folder is removed. */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL of our own on a private Unix socket; it ends within 5 s of this process, however that ends.
 * @throws {TwinportError} UNSUPPORTED (no binaries for this machine), CONFLICT (a server runs on this data), CONFIG (a folder that cannot be used), LEDGER (it did not start)
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const account = await chooseAccount(join(options.dataDir, 'postgres'));
  const place = await choosePlace(options.dataDir, account);
  const binaries = await placeBinaries(place.home, account);
  const dataFolder = join(place.home, 'postgres');
  options.logger?.info({ data: dataFolder, user: account?.uid ?? process.getuid?.() }, 'starting the embedded PostgreSQL');
  await refuseSecondServer(dataFolder);
  await ensureCluster(dataFolder, binaries, account, options.onSpawn);
  const server = await runServer({ dataFolder, binaries, account, settings: options.settings ?? {}, onSpawn: options.onSpawn });
  return {
    url: `postgresql://${ROLE}@/${ROLE}?host=${encodeURIComponent(server.socketFolder)}`,
    poolConfig: { host: server.socketFolder, port: 5432, user: ROLE, database: ROLE },
    pid: server.pid,
    logFile: server.logFile,
    ended: server.ended,
    stop: server.stop,
  };
}
