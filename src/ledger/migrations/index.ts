import type { Migration } from 'kysely';
import { tables } from './0001-tables.ts';
import { recoveryPoint } from './0002-recovery-point.ts';
import { recovery } from './0004-recovery.ts';
import { neverLose } from './0005-never-lose.ts';
import { putDigests } from './0006-put-digests.ts';
import { undo } from './0007-undo.ts';
import { largeLedgers } from './0008-large-ledgers.ts';
import { referrers } from './0009-referrers.ts';

/**
 * All migrations by name, in the order of their names. A list and no folder, so that it works compiled and bundled too. A new one
 * must leave a ledger that the release before can still use: add, and remove one release later.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-tables': tables,
  '0002-recovery-point': recoveryPoint,
  '0004-recovery': recovery,
  '0005-never-lose': neverLose,
  '0006-put-digests': putDigests,
  '0007-undo': undo,
  '0008-large-ledgers': largeLedgers,
  '0009-referrers': referrers,
};
