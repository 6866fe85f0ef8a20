import { randomUUID } from 'node:crypto';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { PoolConfig } from 'pg';
import { connect } from './connection.ts';
import { isConflict, ledgerError } from './errors.ts';
import { migrate } from './migrate.ts';
import type { Tables } from './schema.ts';

/** 7. What Twinport knows: one PostgreSQL database, of which a process holds a few connections. */
export interface Ledger {
  readonly db: Kysely<Tables>;
  /** Made once with the database: whose Temporal namespace this is. */
  readonly id: string;
  close(): Promise<void>;
}

/** What a step of the ledger may be run in. */
export type Db = Kysely<Tables> | Transaction<Tables>;

const CONNECTIONS = 10;
const CONFLICT_ATTEMPTS = 5;

/** The ledger's clock, in milliseconds since the epoch; only for spans that no look of Temporal's measures. */
export const NOW_MS = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** A moment of the ledger as ISO 8601; null where there is none. */
export function iso(at: number | null): string | null {
  return at === null || at < 0 ? null : new Date(at).toISOString();
}

/**
 * Opens the ledger and brings its tables up to date.
 * @throws {TwinportError} CONFIG (not the URL of a PostgreSQL), LEDGER (not reached within 5 s, or not allowed)
 */
export async function openLedger(target: string | PoolConfig): Promise<Ledger> {
  await migrate(target);
  const db = connect(target, { max: CONNECTIONS });
  try {
    const id = await asked(() => readId(db));
    return { db, id, close: () => db.destroy() };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function readId(db: Db): Promise<string> {
  await db
    .insertInto('meta')
    .values({ name: 'ledger-id', value: randomUUID() })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'ledger-id').executeTakeFirstOrThrow();
  return row.value;
}

/** Runs statements and says in our words what went wrong. @throws {TwinportError} LEDGER, INTERNAL */
export async function asked<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    throw ledgerError(thrown);
  }
}

/** Runs a transaction, again where PostgreSQL ended it because of another one. @throws {TwinportError} LEDGER, INTERNAL */
export async function transact<T>(ledger: Pick<Ledger, 'db'>, body: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ledger.db.transaction().execute(body);
    } catch (thrown) {
      if (!isConflict(thrown) || attempt === CONFLICT_ATTEMPTS) throw ledgerError(thrown);
    }
  }
}

/** Runs a transaction and takes it back whole where its body says so. @throws {TwinportError} LEDGER, INTERNAL */
export async function transactIf(ledger: Pick<Ledger, 'db'>, body: (trx: Transaction<Tables>) => Promise<boolean>): Promise<boolean> {
  let kept = true;
  try {
    await transact(ledger, async (trx) => {
      kept = await body(trx);
      if (!kept) throw new Error('taken back');
    });
  } catch (thrown) {
    if (kept) throw thrown;
  }
  return kept;
}
