import { NOW_MS, asked, type Db, type Ledger } from './ledger.ts';

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
