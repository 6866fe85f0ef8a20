import { sql } from 'kysely';
import type { Notice, PlanDeletionsInput } from '../model/steps.ts';
import { ourDigest, type ImageRow } from './apply-outcome.ts';
import type { DeletionRow } from './deletion-rows.ts';
import type { Db } from './ledger.ts';

interface DeleteEvent {
  readonly tag: string | null;
  readonly digest: string | null;
  readonly received_at: number;
}

/**
 * Which of the missing images may be believed to be deleted: a delete event names them, or two complete listings far enough apart
 * lack them. A deletion that was held or decided was proven before, and a tag seen since would have cancelled it.
 */
export async function evidenceOf(
  trx: Db,
  input: PlanDeletionsInput,
  missing: readonly ImageRow[],
  known: ReadonlyMap<string, DeletionRow>,
): Promise<ImageRow[]> {
  const received = await deleteEvents(trx, input.repository, missing);
  const told = input.events.filter(({ kind }) => kind === 'deleted');
  const pushed = await lastPushes(trx, input.repository, missing);
  // What was deleted before the tag was pushed again tells nothing of it.
  const since = ({ tag }: ImageRow): number => pushed.get(tag) ?? 0;
  return missing.filter(
    (row) =>
      known.has(row.tag) ||
      told.some((event) => event.receivedAt >= since(row) && names(event, row)) ||
      received.some((event) => event.received_at > Math.max(row.verified_at ?? 0, since(row) - 1) && names(event, row)) ||
      listedTwice(row, input),
  );
}

/** An event that names a tag means that tag alone; only one without a tag means all that the digest had. */
function names(event: Pick<DeleteEvent, 'tag' | 'digest'> | Notice, row: ImageRow): boolean {
  const tag = event.tag ?? undefined;
  return tag === undefined ? event.digest === ourDigest(row) : tag === row.tag;
}

/** A listing proves nothing together with itself, however often its record is repeated. */
function listedTwice(row: ImageRow, { look, confirmAfterMs }: PlanDeletionsInput): boolean {
  return row.missing_look !== null && row.missing_look < look && look - row.missing_look >= confirmAfterMs;
}

async function deleteEvents(trx: Db, repository: string, missing: readonly ImageRow[]): Promise<DeleteEvent[]> {
  if (missing.length === 0) return [];
  const since = Math.min(...missing.map((row) => row.verified_at ?? 0));
  const { rows } = await sql<DeleteEvent>`
    select tag, digest, max(received_at) as received_at from events
    where repository = ${repository} and action = 'delete' and received_at > ${since}
      and (tag = any(${missing.map((row) => row.tag)}::text[]) or (tag is null and digest = any(${missing.flatMap((row) => ourDigest(row) ?? [])}::text[])))
    group by tag, digest`.execute(trx);
  return rows;
}

async function lastPushes(trx: Db, repository: string, missing: readonly ImageRow[]): Promise<Map<string, number>> {
  if (missing.length === 0) return new Map();
  const { rows } = await sql<{ tag: string; at: number }>`
    select tag, max(received_at) as at from events
    where repository = ${repository} and action = 'push' and tag = any(${missing.map((row) => row.tag)}::text[]) group by tag`.execute(trx);
  return new Map(rows.map(({ tag, at }) => [tag, at]));
}
