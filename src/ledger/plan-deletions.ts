import type { Digest } from '../model/digest.ts';
import type { PlanDeletionsInput, PlanDeletionsResult, PlannedDeletion } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { ourDigest, type ImageRow } from './apply-outcome.ts';
import { judge } from './deletion-budget.ts';
import { positiveControls } from './deletion-controls.ts';
import { evidenceOf } from './deletion-evidence.ts';
import {
  DECISION_MS,
  expireDeletions,
  ledgerNow,
  lockDeletions,
  newDeletionId,
  setDeletions,
  STANDING,
  type DeletionRow,
} from './deletion-rows.ts';
import { lockKnownImages, saveImages } from './image-rows.ts';
import { transact, type Db, type Ledger } from './ledger.ts';
import { isHeld } from './regressions.ts';

/** What a run may do with each of its candidates. */
interface Plan {
  readonly go: PlannedDeletion[];
  held: number;
}

/**
 * Decides which of the tags that the primary lacks may be deleted now, and reserves their budget. Safe to repeat: what was reserved
 * before is given again.
 * @throws {TwinportError} LEDGER
 */
export async function planDeletions(ledger: Ledger, input: PlanDeletionsInput): Promise<PlanDeletionsResult> {
  const { policy, repository } = input;
  if (policy.deletes.policy === 'never' || input.candidates.length === 0) {
    return { summary: 'nothing to delete', approved: [], controls: [], held: 0, waiting: 0 };
  }
  return transact(ledger, async (trx) => {
    await lockDeletions(trx, policy.site);
    if (await isHeld(trx, policy.site)) {
      // What such a primary lacks is no evidence, now or later.
      return { summary: 'held: primary regressed', approved: [], controls: [], held: input.candidates.length, waiting: 0 };
    }
    await expireDeletions(trx, policy.site);
    const missing = await missingImages(trx, input);
    const known = await knownDeletions(trx, policy.site, repository, missing);
    const proven = await evidenceOf(trx, input, missing, known);
    await markMissing(trx, missing, input.look);
    const plan = await planProven(trx, input, proven, known);
    const unkept = policy.deletes.policy === 'mirror';
    const controls = plan.go.length === 0 ? [] : await positiveControls(trx, input);
    const waiting = missing.length - proven.length;
    return {
      summary: summaryOf(plan, waiting),
      approved: unkept ? plan.go.map((one) => ({ ...one, unkept })) : plan.go,
      controls,
      held: plan.held,
      waiting,
    };
  });
}

/** Candidates that are ours, and that no later look found at the primary. */
async function missingImages(trx: Db, { policy, repository, candidates, look }: PlanDeletionsInput): Promise<ImageRow[]> {
  const keys = candidates.flatMap(({ tag }) => (tag === undefined ? [] : [{ site: policy.site, repository, tag }]));
  const rows = await lockKnownImages(trx, keys);
  return [...rows.values()].filter((row) => ourDigest(row) !== undefined && (row.look <= look || row.missing_since !== null));
}

/** What was decided of each tag at the digest that it has now: an open row, else the latest rejection. */
async function knownDeletions(trx: Db, site: string, repository: string, missing: readonly ImageRow[]): Promise<Map<string, DeletionRow>> {
  if (missing.length === 0) return new Map();
  const rows = await trx
    .selectFrom('deletions')
    .selectAll()
    .where('site', '=', site)
    .where('repository', '=', repository)
    .where('state', 'in', STANDING)
    .where(
      'tag',
      'in',
      missing.map(({ tag }) => tag),
    )
    .orderBy('created_at')
    .forUpdate()
    .execute();
  const digests = new Map(missing.map((row) => [row.tag, ourDigest(row)]));
  const isOther = (row: DeletionRow): boolean => row.digest !== digests.get(row.tag) && !(row.undo && row.state === 'reserved');
  const other = rows.filter((row) => row.state !== 'rejected' && isOther(row));
  await setDeletions(
    trx,
    other.map(({ id }) => id),
    { state: 'cancelled', reason: 'the tag has another digest now' },
  );
  const known = new Map<string, DeletionRow>();
  for (const row of rows.filter((one) => !isOther(one))) {
    if (row.state !== 'rejected' || !known.has(row.tag)) known.set(row.tag, row);
  }
  return known;
}

/** From now on the primary is known to lack them; a first complete listing is the first half of a proof. */
async function markMissing(trx: Db, missing: readonly ImageRow[], look: number): Promise<void> {
  const marked = missing.filter((row) => row.missing_look === null || row.missing_since === null);
  await saveImages(
    trx,
    marked.map((row) => ({ ...row, missing_since: row.missing_since ?? look, missing_look: row.missing_look ?? look })),
  );
}

async function planProven(
  trx: Db,
  input: PlanDeletionsInput,
  proven: readonly ImageRow[],
  known: ReadonlyMap<string, DeletionRow>,
): Promise<Plan> {
  const now = await ledgerNow(trx);
  const decided = proven.map((row) => ({ row, verdict: standingVerdict(known.get(row.tag)) }));
  const [sure, stays, open] = (['go', 'stay', 'open'] as const).map((one) =>
    decided.flatMap(({ row, verdict }) => (verdict === one ? [row] : [])),
  ) as [ImageRow[], ImageRow[], ImageRow[]];
  const plan: Plan = { go: await reserve(trx, sure, known, now), held: stays.length };
  if (open.length === 0) return plan;
  const verdict = await judge(trx, input, open.length, now);
  if (verdict.go) plan.go.push(...(await reserve(trx, open, known, now)));
  else plan.held += await hold(trx, open, known, verdict.reason, now);
  return plan;
}

/** What was decided before; a tag that a person brought back stays, whatever the budget, until a person lets it go. */
function standingVerdict(row: DeletionRow | undefined): 'go' | 'stay' | 'open' {
  if (row?.state === 'approved') return 'go';
  if (row?.state === 'rejected' || row?.undo) return 'stay';
  return row?.state === 'reserved' ? 'go' : 'open';
}

async function reserve(
  trx: Db,
  rows: readonly ImageRow[],
  known: ReadonlyMap<string, DeletionRow>,
  now: number,
): Promise<PlannedDeletion[]> {
  const reserved = { state: 'reserved', reason: null, reserved_at: now, expires_at: null, undo: false } as const;
  const { old, fresh } = split(rows, known);
  await setDeletions(
    trx,
    old.map(({ id }) => id),
    reserved,
  );
  const made = fresh.map((row) => ({ ...newDeletion(row, now), ...reserved }));
  if (made.length > 0) await trx.insertInto('deletions').values(made).execute();
  const planned = ({ id, tag, digest }: { id: string; tag: string; digest: string }) => ({ id, tag, digest: digest as Digest });
  return [
    ...old.map((row) => ({ ...planned(row), ...(row.unkept && row.decided_by !== null ? { unkept: true } : {}) })),
    ...made.map(planned),
  ];
}

async function hold(
  trx: Db,
  rows: readonly ImageRow[],
  known: ReadonlyMap<string, DeletionRow>,
  reason: string,
  now: number,
): Promise<number> {
  const { old, fresh } = split(rows, known);
  await setDeletions(
    trx,
    old.map(({ id }) => id),
    { state: 'held', reason },
  );
  const made = fresh.map((row) => ({ ...newDeletion(row, now), state: 'held' as const, reason, expires_at: now + DECISION_MS }));
  if (made.length > 0) await trx.insertInto('deletions').values(made).execute();
  return rows.length;
}

function split(rows: readonly ImageRow[], known: ReadonlyMap<string, DeletionRow>): { old: DeletionRow[]; fresh: ImageRow[] } {
  const old = rows.flatMap((row) => known.get(row.tag) ?? []);
  return { old, fresh: rows.filter((row) => !known.has(row.tag)) };
}

function newDeletion(row: ImageRow, now: number) {
  const { site, repository, tag } = row;
  // A candidate is ours, and so has a digest that was put.
  return { id: newDeletionId(), site, repository, tag, digest: String(ourDigest(row)), created_at: now };
}

function summaryOf(plan: Plan, waiting: number): string {
  const parts = [count(plan.go.length, 'deletion')];
  if (plan.held > 0) parts.push(`${plan.held} held`);
  if (waiting > 0) parts.push(`${waiting} to be confirmed`);
  return parts.join(', ');
}
