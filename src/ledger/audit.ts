import { sql } from 'kysely';
import { NOW_MS, asked, type Db, type Ledger } from './ledger.ts';
import { pageOf, readCursor, type Page } from './paging.ts';

/** Who did what, for the record. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly site?: string;
  readonly detail?: object;
}

/** Appends to the audit. @throws {TwinportError} LEDGER */
export function audit(ledger: Ledger, entry: AuditEntry): Promise<void> {
  return asked(() => auditIn(ledger.db, entry));
}

/** Appends to the audit inside a transaction. */
export async function auditIn(db: Db, { actor, action, site, detail }: AuditEntry): Promise<void> {
  const row = { at: NOW_MS, actor, action, site: site ?? null, detail: JSON.stringify(detail ?? {}) };
  await db.insertInto('audit').values(row).execute();
}

/** A row of the audit as operators see it; `at` as ISO 8601. */
export interface AuditItem {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly site: string | null;
  readonly detail: object;
}

/** A page of the audit, the latest first: of one site, or of all. @throws {TwinportError} LEDGER, INVALID (cursor) */
export async function listAudit(ledger: Ledger, query: { site?: string; cursor?: string; limit: number }): Promise<Page<AuditItem>> {
  const [before = ''] = readCursor(query.cursor, 1);
  const rows = await asked(() => {
    const all = ledger.db
      .selectFrom('audit')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(query.limit + 1);
    const of = query.site === undefined ? all : all.where('site', '=', query.site);
    return (before === '' ? of : of.where(sql<boolean>`id < ${before}::bigint`)).execute();
  });
  return pageOf(
    rows,
    query.limit,
    ({ at, actor, action, site, detail }) => ({ at: new Date(at).toISOString(), actor, action, site, detail }),
    ({ id }) => [String(id)],
  );
}
