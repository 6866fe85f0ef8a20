import { Migrator, sql, type Kysely } from 'kysely';
import type { PoolConfig } from 'pg';
import { connect } from './connection.ts';
import { ledgerError } from './errors.ts';
import { migrations } from './migrations/index.ts';
import type { Tables } from './schema.ts';

/** Any number that no other program on a shared server is likely to lock. */
const LOCK = 7_846_955_267;

/**
 * Brings the tables up to date; processes that start together take turns. Connections of its own, because a migration of large
 * tables may take longer than any statement later.
 * @throws {TwinportError} LEDGER, CONFIG
 */
export async function migrate(target: string | PoolConfig): Promise<void> {
  const db = connect(target, { max: 2, patient: true });
  try {
    // A transaction's lock and not a session's: it also holds through a pooler, and ends with its connection.
    await db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(${LOCK}::bigint)`.execute(trx);
      const done = await doneMigrations(db);
      // A newer release may have been here: what it added does not disturb us, so a release can be rolled out one process at a time.
      if (Object.keys(migrations).every((name) => done.has(name))) return;
      const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw ledgerError(error);
    });
  } catch (thrown) {
    throw ledgerError(thrown);
  } finally {
    await db.destroy();
  }
}

async function doneMigrations(db: Kysely<Tables>): Promise<ReadonlySet<string>> {
  const table = await sql<{ name: string | null }>`select to_regclass('kysely_migration')::text as name`.execute(db);
  if (table.rows[0]?.name == null) return new Set();
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return new Set(rows.map((row) => row.name));
}
