import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { TwinportError } from '../model/failure.ts';
import type { Tables } from './schema.ts';

const CONNECT_MS = 5_000;
/** The server gives up first, so that the connection stays usable; the client does where the server is gone without a word. */
const STATEMENT_MS = 4_500;
const ANSWER_MS = 5_500;
const INT8_OID = 20;

/** How many connections a process may have, and whether statements are cut short. */
export interface ConnectionOptions {
  readonly max: number;
  readonly patient?: boolean;
}

/**
 * Opens a pool; nothing is sent before the first statement.
 * @throws {TwinportError} CONFIG (not the URL of a PostgreSQL)
 */
export function connect(target: string | pg.PoolConfig, options: ConnectionOptions): Kysely<Tables> {
  const limits = options.patient ? {} : { statement_timeout: STATEMENT_MS, query_timeout: ANSWER_MS };
  const pool = new pg.Pool({
    application_name: 'twinport',
    keepAlive: true,
    ...targetConfig(target),
    ...limits,
    max: options.max,
    connectionTimeoutMillis: CONNECT_MS,
    types: { getTypeParser: numericTypes as pg.CustomTypesConfig['getTypeParser'] },
    Client: LedgerClient,
  });
  // An idle connection that breaks is replaced at the next statement, which says what is wrong if it still is.
  pool.on('error', () => undefined);
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

function targetConfig(target: string | pg.PoolConfig): pg.PoolConfig {
  if (typeof target !== 'string') return target;
  // The driver's own message would hold the URL, password and all.
  if (!/^postgres(?:ql)?:\/\//.test(target) || !canParse(target)) {
    throw new TwinportError(
      'CONFIG',
      'ledger.url: not the URL of a PostgreSQL; right would be postgresql://USER:PASSWORD@HOST:5432/DATABASE',
    );
  }
  return { connectionString: target };
}

function canParse(url: string): boolean {
  // `postgresql://user@/db?host=/socket` has an empty host, which URL refuses and the driver takes.
  return URL.canParse(url) || URL.canParse(url.replace(/@\//, '@localhost/'));
}

/** A bigint is a number: ours are milliseconds, bytes and counts, all below 2^53. */
function numericTypes(oid: number, format?: string): (text: string) => unknown {
  const parsers = pg.types.getTypeParser as (oid: number, format?: string) => (text: string) => unknown;
  return oid === INT8_OID && format !== 'binary' ? Number : parsers(oid, format);
}

/** What the driver keeps of a connection and does not declare. */
interface Inner {
  _queryable: boolean;
  connection: { stream: { destroy(): void } };
}

/** A connection whose server stopped answering is closed, or each caller after us would wait for it again. */
class LedgerClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // The statement under way is told; without a listener the same error would end the process.
    this.on('error', () => undefined);
  }

  override query(...parameters: unknown[]): never {
    const result = (super.query as (...all: unknown[]) => unknown).apply(this, parameters);
    if (result instanceof Promise) {
      result.catch((error: Error) => {
        if (error.message === 'Query read timeout') giveUp(this as unknown as Inner);
      });
    }
    return result as never;
  }
}

/** The pool drops a connection that is not queryable when it is given back, which is before the socket says that it closed. */
function giveUp(client: Inner): void {
  client._queryable = false;
  client.connection.stream.destroy();
}
