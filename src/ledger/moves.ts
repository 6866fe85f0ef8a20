import { sql, type Selectable } from 'kysely';
import { deletionBudget } from '../model/deletion-guard.ts';
import type { ComparedTag, RecordScanInput } from '../model/steps.ts';
import { count } from '../model/text.ts';
import type { ImageKey, ImageRow } from './apply-outcome.ts';
import { DECISION_MS, ledgerNow, newDeletionId, STANDING } from './deletion-rows.ts';
import { COUNTED } from './images.ts';
import { NOW_MS, type Db } from './ledger.ts';
import type { MovesTable } from './schema.ts';

/** A tag of a page that the primary moved since it was verified. */
export interface Move {
  readonly tag: string;
  readonly from: string;
  readonly to: string;
  readonly verifiedAt: number;
}

const WINDOW_MS = 86_400_000;

/** Which of a page's tags were verified at another digest than the primary's. */
export function movesOf(tags: readonly ComparedTag[], rowOf: (tag: string) => ImageRow | undefined): Move[] {
  return tags.flatMap(({ tag, digest, same }) => {
    const row = rowOf(tag);
    if (same || !row?.verified_digest || row.verified_digest === digest) return [];
    return [{ tag, from: row.verified_digest, to: digest, verifiedAt: row.verified_at ?? 0 }];
  });
}

/**
 * Holds moves back to what a tag held before that no event announced, where they are more than `guard` lets pass in 24 hours: a backup that was restored
 * moves many tags back at once, a person who rolls back a few.
 * @returns by tag, why it may not move now
 */
export async function holdMovesBack(
  trx: Db,
  input: RecordScanInput,
  moves: readonly Move[],
  standing: StandingMoves,
): Promise<Map<string, string>> {
  const { policy, repository } = input;
  const held = new Map<string, string>();
  for (const { tag, state, reason, undo } of standing.values()) {
    if (state === 'held' || (undo && state === 'reserved')) held.set(tag, `held: ${reason ?? 'a person decides'}`);
    if (state === 'rejected') held.set(tag, 'held: this move was rejected');
  }
  const open = moves.filter(({ tag }) => !standing.has(tag));
  const back = policy.deletes.policy === 'mirror' ? [] : await unannounced(trx, input, await movesBack(trx, input, open));
  if (back.length === 0) return held;
  await sql`select pg_advisory_xact_lock(hashtext('twinport moves'), hashtext(${policy.site}))`.execute(trx);
  const reason = await tooMany(
    trx,
    input,
    back.map(({ tag }) => tag),
  );
  const created_at = await ledgerNow(trx);
  const state =
    reason === undefined ? ({ state: 'reserved' } as const) : ({ state: 'held', reason, expires_at: created_at + DECISION_MS } as const);
  await trx
    .insertInto('moves')
    .values(
      back.map(({ tag, from, to }) => ({
        ...{ id: newDeletionId(), site: policy.site, repository, tag, from_digest: from, to_digest: to, created_at, ...state },
      })),
    )
    .execute();
  if (reason !== undefined) for (const { tag } of back) held.set(tag, `held: ${reason}`);
  return held;
}

/** What was decided of moves, by tag. */
export type StandingMoves = ReadonlyMap<string, Selectable<MovesTable>>;

/**
 * What was decided of moves to where the primary's tags are now; what was of another digest, or is done, is over.
 * @param inputs of that site
 * @returns by repository
 */
export async function standingMoves(
  trx: Db,
  site: string,
  inputs: readonly RecordScanInput[],
): Promise<ReadonlyMap<string, StandingMoves>> {
  await expireMoves(trx, site);
  const rows = await trx
    .selectFrom('moves')
    .selectAll()
    .where('site', '=', site)
    .where(sql<boolean>`repository = any(${inputs.map(({ repository }) => repository)}::text[])`)
    .where('state', 'in', STANDING)
    .orderBy('repository')
    .orderBy('tag')
    .forUpdate()
    .execute();
  const standing = new Map<string, Map<string, Selectable<MovesTable>>>();
  for (const { repository, page } of rows.length > 0 ? inputs : []) {
    const now = new Map(page.tags.map((tag) => [tag.tag, tag]));
    const here = new Map<string, Selectable<MovesTable>>();
    for (const row of rows.filter((row) => row.repository === repository)) {
      const tag = now.get(row.tag);
      // Until a tag has been set back, it is where the primary has it.
      if (tag?.digest === row.to_digest && (!tag.same || (row.undo && row.state === 'reserved'))) here.set(row.tag, row);
      else if (tag) await endMove(trx, row.id, tag.digest === row.to_digest);
    }
    standing.set(repository, here);
  }
  return standing;
}

async function endMove(trx: Db, id: string, done: boolean): Promise<void> {
  const end = done ? ({ state: 'done' } as const) : ({ state: 'cancelled', reason: 'the primary’s tag is another digest now' } as const);
  await trx
    .updateTable('moves')
    .set({ ...end, done_at: NOW_MS })
    .where('id', '=', id)
    .execute();
}

/** Moves to a digest that the tag held at the site before. */
async function movesBack(trx: Db, { policy, repository }: RecordScanInput, moves: readonly Move[]): Promise<Move[]> {
  if (moves.length === 0) return [];
  const { rows } = await sql<{ tag: string }>`
    select distinct n.tag from unnest(${moves.map(({ tag }) => tag)}::text[], ${moves.map(({ to }) => to)}::text[]) as n(tag, digest)
    join tag_history h on h.site = ${policy.site} and h.repository = ${repository} and h.tag = n.tag and h.old_digest = n.digest`.execute(
    trx,
  );
  const back = new Set(rows.map(({ tag }) => tag));
  return moves.filter(({ tag }) => back.has(tag));
}

/** A backup that is restored tells nobody; a push that moved a tag back is an event, and somebody's will. */
async function unannounced(trx: Db, { repository }: RecordScanInput, moves: readonly Move[]): Promise<Move[]> {
  if (moves.length === 0) return [];
  const { rows } = await sql<{ tag: string; digest: string; at: number }>`
    select tag, digest, max(received_at) as at from events
    where repository = ${repository} and action = 'push' and tag = any(${moves.map(({ tag }) => tag)}::text[]) and digest is not null
    group by tag, digest`.execute(trx);
  return moves.filter((move) => !rows.some(({ tag, digest, at }) => tag === move.tag && digest === move.to && at > move.verifiedAt));
}

/** Tags that moved back before today do not count twice. @returns why so many more moves back may not go now */
async function tooMany(trx: Db, { policy, repository }: RecordScanInput, wanted: readonly string[]): Promise<string | undefined> {
  const here = sql`repository = ${repository}`;
  const { rows } = await sql<{ tags: number; siteTags: number; moved: number; siteMoved: number }>`
    select i.*, m.* from
      (select count(*) filter (where ${here}) as tags, count(*) as "siteTags" from images where site = ${policy.site} and ${COUNTED}) i,
      (select count(distinct tag) filter (where ${here}) as moved, count(distinct (repository, tag)) as "siteMoved" from moves
        where site = ${policy.site} and state in ('reserved', 'held', 'done') and decided_by is null and not undo and created_at > ${NOW_MS} - ${WINDOW_MS}::bigint
          and not (${here} and tag = any(${wanted}::text[]))) m`.execute(trx);
  const { tags = 0, siteTags = 0, moved = 0, siteMoved = 0 } = rows[0] ?? {};
  const left = deletionBudget({
    ...{ repositoryTags: tags - moved, repositoryDeleted: moved, siteTags: siteTags - siteMoved, siteDeleted: siteMoved },
  });
  if (wanted.length <= left) return undefined;
  const before = siteMoved === 0 ? '' : `, after ${siteMoved} at the site in 24 h`;
  return `would move ${count(wanted.length, 'tag')} of ${tags} back to what ${wanted.length === 1 ? 'it' : 'they'} held before${before}; ${left} may go`;
}

/** A tag that was read back is where it is: whatever was decided of its move is over. */
export async function settleMoves(trx: Db, rows: readonly ImageRow[]): Promise<void> {
  const settled = rows.filter((row) => row.sync === 'synced' && row.verified_digest !== null);
  if (settled.length === 0) return;
  const column = (name: keyof ImageKey | 'verified_digest'): (string | null)[] => settled.map((row) => row[name]);
  await sql`
    update moves m set state = case when m.to_digest = n.digest then 'done' else 'cancelled' end, done_at = ${NOW_MS}
    from unnest(${column('site')}::text[], ${column('repository')}::text[], ${column('tag')}::text[], ${column('verified_digest')}::text[])
      as n(site, repository, tag, digest)
    where m.site = n.site and m.repository = n.repository and m.tag = n.tag and m.state = any(${STANDING}::text[])
      and not (m.undo and m.state = 'reserved' and m.to_digest = n.digest)`.execute(trx);
}

/** Held and approved moves that nobody dealt with in time, and tags that were to be set back. @returns how many */
export async function expireMoves(trx: Db, site?: string): Promise<number> {
  const only = site === undefined ? sql`` : sql` and site = ${site}`;
  const result = await sql`
    update moves set state = 'expired', done_at = ${NOW_MS}
    where state in ('held', 'approved', 'reserved') and expires_at < ${NOW_MS}${only}`.execute(trx);
  return Number(result.numAffectedRows ?? 0);
}
