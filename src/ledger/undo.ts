import { sql } from 'kysely';
import { isDigest, type Digest } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import type { RecordUndoInput } from '../model/guard-steps.ts';
import { shortDigest } from '../model/text.ts';
import type { UndoOrder } from '../model/undo-order.ts';
import { applyOutcome, ourDigest, type Applied, type ImageKey, type ImageRow } from './apply-outcome.ts';
import { auditIn } from './audit.ts';
import { DECISION_MS, ledgerNow, lockDeletions, newDeletionId } from './deletion-rows.ts';
import { keepFirstKnown } from './first-known.ts';
import { keyOf, lockImages, lockKnownImages, rowOf, saveImages } from './image-rows.ts';
import { asked, transact, type Db, type Ledger } from './ledger.ts';
import type { DeletionState } from './schema.ts';
import { appendHistory, tagHistory } from './tag-history.ts';

/** What was asked of a tag, and how far it is. */
export interface Undo extends UndoOrder {
  /** `failed`: the tag is as it was, for this reason. */
  readonly state: 'asked' | 'restored' | 'failed';
  readonly reason: string | null;
}

/** A row of either table in which a tag that was set back waits: what the primary did to it was a move, or a deletion. */
interface UndoRow {
  readonly id: string;
  readonly is: 'moves' | 'deletions';
  readonly digest: Digest;
  readonly state: DeletionState;
  readonly reason: string | null;
}

const OPEN = sql`state in ('reserved', 'held', 'approved')`;

/**
 * Asks for a tag of a site to be set back to what it stood for before its last move or deletion, or to `to`; from now on nothing moves or deletes it by
 * itself. Asked again it is the same question.
 * @throws {TwinportError} NOT_FOUND (the history has no such digest), CONFLICT (it stands for that already, or the primary's does), LEDGER
 */
export function requestUndo(ledger: Ledger, key: ImageKey, actor: string, to?: Digest): Promise<Undo> {
  return transact(ledger, async (trx) => {
    await lockDeletions(trx, key.site);
    const image = (await lockKnownImages(trx, [key])).get(keyOf(key));
    const now = image && ourDigest(image);
    const replaces = now ? { replaces: now } : {};
    const standing = await standingUndo(trx, key);
    if (standing && (to === undefined || to === standing.digest)) return undoOf(standing, { tag: key.tag, ...replaces });
    const digest = await digestBefore(trx, key, image, to);
    const row = await holdTag(trx, key, image, digest, actor);
    await auditIn(trx, {
      ...{ actor, action: 'undo', site: key.site },
      detail: { repository: key.repository, tag: key.tag, from: now ?? null, to: digest },
    });
    return undoOf(row, { tag: key.tag, ...replaces });
  });
}

/** How far it is; `undefined` if nothing is known of it. @throws {TwinportError} LEDGER */
export async function undoState(ledger: Ledger, id: string): Promise<Pick<Undo, 'state' | 'reason'> | undefined> {
  const row = await asked(() => undoRow(ledger.db, sql`id = ${id}`));
  return row && { state: stateOf(row), reason: row.reason };
}

/**
 * Records what became of it: the tag is where it was asked to be and waits there for a person, or nothing was done and why. Safe to repeat.
 * @param lookEnd when this record was asked for, by Temporal's clock
 * @throws {TwinportError} LEDGER
 */
export async function recordUndo(ledger: Ledger, input: RecordUndoInput, lookEnd: number): Promise<{ summary: string }> {
  const { policy, repository, order, restored, reason } = input;
  const key = { site: policy.site, repository, tag: order.tag };
  await transact(ledger, async (trx) => {
    await lockDeletions(trx, policy.site);
    const images = restored ? await lockImages(trx, [key]) : new Map<string, ImageRow>();
    const row = await undoRow(trx, sql`id = ${order.id}`);
    if (restored) {
      await putBack(trx, images, key, { ...input, restored, deleted: row?.is === 'deletions' }, lookEnd);
      if (restored.previous)
        await appendHistory(trx, [{ ...key, oldDigest: restored.previous, newDigest: order.digest, at: lookEnd, look: restored.look }]);
    }
    if (row?.state !== 'reserved') return;
    const end = restored
      ? sql`state = 'held', expires_at = null`
      : sql`state = 'cancelled', expires_at = null, reason = ${reason ?? 'it was not done'}, done_at = ${await ledgerNow(trx)}::bigint`;
    await sql`update ${sql.table(row.is)} set ${end} where id = ${order.id}`.execute(trx);
    const detail = { repository, tag: order.tag, to: order.digest, ...(reason === undefined ? {} : { reason }) };
    await auditIn(trx, { actor: 'twinport', action: restored ? 'undo done' : 'undo failed', site: policy.site, detail });
  });
  return { summary: restored ? `${order.tag} waits there for a person` : `${order.tag} is as it was: ${reason ?? ''}` };
}

async function undoRow(db: Db, where: ReturnType<typeof sql>): Promise<UndoRow | undefined> {
  const { rows } = await sql<UndoRow>`
    select id, 'moves' as is, from_digest as digest, state, reason from moves where undo and ${where}
    union all select id, 'deletions' as is, digest, state, reason from deletions where undo and ${where}`.execute(db);
  return rows[0];
}

function standingUndo(trx: Db, { site, repository, tag }: ImageKey): Promise<UndoRow | undefined> {
  return undoRow(trx, sql`site = ${site} and repository = ${repository} and tag = ${tag} and state in ('reserved', 'held')`);
}

function undoOf(row: UndoRow, { tag, replaces }: Pick<UndoOrder, 'tag' | 'replaces'>): Undo {
  const { id, digest, reason } = row;
  return { id, tag, digest, ...(replaces ? { replaces } : {}), state: stateOf(row), reason };
}

function stateOf({ state }: UndoRow): Undo['state'] {
  if (state === 'reserved') return 'asked';
  return state === 'cancelled' || state === 'expired' ? 'failed' : 'restored';
}

/** Which digest is meant. @throws {TwinportError} NOT_FOUND, CONFLICT */
async function digestBefore(trx: Db, key: ImageKey, image: ImageRow | undefined, to: Digest | undefined): Promise<Digest> {
  const name = `${key.repository}:${key.tag}`;
  const now = image && ourDigest(image);
  const held = [...new Set((await tagHistory(trx, key)).map(({ oldDigest }) => oldDigest))];
  const before = held.filter((digest) => digest !== now && isDigest(digest));
  const digest = to ?? before[0];
  const stands = now === undefined ? 'it is not known at the site' : `it stands for ${now}`;
  if (digest === undefined)
    throw refusal(
      'NOT_FOUND',
      `nothing that ${name} stood for before is known at site "${key.site}" (${stands}), so there is nothing to undo`,
    );
  if (digest === now) throw refusal('CONFLICT', `${name} stands for ${digest} already`);
  if (!before.includes(digest))
    throw refusal(
      'NOT_FOUND',
      `${name} is not known to have stood for ${digest} at site "${key.site}"; it stood for ${before.join(', ') || 'nothing else'}`,
    );
  if (image?.missing_since === null && image.digest === digest)
    throw refusal(
      'CONFLICT',
      `the primary's ${name} is ${digest} already: the site follows it by itself, or a held move waits ("twinport moves list")`,
    );
  return digest as Digest;
}

function refusal(code: 'NOT_FOUND' | 'CONFLICT', message: string): TwinportError {
  return new TwinportError(code, message, { retry: 'never' });
}

/** Whatever was to become of the tag is over; what the primary has done to it waits for a person. */
async function holdTag(trx: Db, key: ImageKey, image: ImageRow | undefined, digest: Digest, actor: string): Promise<UndoRow> {
  const { site, repository, tag } = key;
  const now = await ledgerNow(trx);
  for (const table of ['moves', 'deletions'] as const) {
    const open = table === 'moves' ? sql`(${OPEN} or state = 'rejected')` : OPEN;
    await sql`
      update ${sql.table(table)} set state = 'cancelled', reason = 'undone', done_at = ${now}::bigint
      where site = ${site} and repository = ${repository} and tag = ${tag} and ${open}`.execute(trx);
  }
  const id = newDeletionId();
  const common = { id, ...key, state: 'reserved' as const, created_at: now, expires_at: now + DECISION_MS, undo: true };
  const to = image?.missing_since === null && !image.out_of_scope ? (image.digest ?? ourDigest(image) ?? null) : null;
  if (to === null) {
    const reason = `undo by ${actor}: brought back as ${shortDigest(digest)}, the primary has no such tag`;
    await trx
      .insertInto('deletions')
      .values({ ...common, digest, reason })
      .execute();
    return { ...common, digest, reason, is: 'deletions' };
  }
  const reason = `undo by ${actor}: set back to ${shortDigest(digest)}, the primary has ${shortDigest(to)}`;
  await trx
    .insertInto('moves')
    .values({ ...common, from_digest: digest, to_digest: to, reason })
    .execute();
  return { ...common, digest, reason, is: 'moves' };
}

type Restored = RecordUndoInput & { readonly restored: NonNullable<RecordUndoInput['restored']>; readonly deleted: boolean };

async function putBack(trx: Db, images: Map<string, ImageRow>, key: ImageKey, input: Restored, lookEnd: number): Promise<void> {
  const before = rowOf(images, key);
  const { row, recorded } = undone(before, input, lookEnd);
  if (!row || !recorded) return;
  const after = new Map([[keyOf(key), row]]);
  await saveImages(trx, [row]);
  await keepFirstKnown(trx, images, after);
}

/** A tag that the primary does not have is known as ours, and missing there; of any other the primary's digest is what is not verified now. */
function undone(row: ImageRow, { order, restored, deleted }: Restored, lookEnd: number): Applied {
  const { tag, digest } = order;
  const { look } = restored;
  if (deleted) {
    const applied = applyOutcome(row, { tag, digest, sync: 'synced', verification: 'succeeded', look }, lookEnd);
    const missing = { missing_since: row.missing_since ?? look, missing_look: row.missing_look };
    return { ...applied, row: applied.row && { ...applied.row, ...missing } };
  }
  const applied = applyOutcome(row, { tag, digest, sync: 'pending', verification: 'pending', look, put: digest }, lookEnd);
  // The primary was not looked at.
  const { missing_since, missing_look, out_of_scope } = row;
  const unseen = { digest: row.digest, missing_since, missing_look, out_of_scope };
  const read = applied.overlapping ? {} : { verified_digest: digest, verified_at: look };
  return { ...applied, row: applied.row && { ...applied.row, ...read, ...unseen, reason: 'held: set back by undo' } };
}
