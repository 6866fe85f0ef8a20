import type { DeletionOutcome, RecordDeletionsInput, RecordDeletionsResult } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { isOurs, AT_PRIMARY, ourDigest, spanOf, withPut, type ImageRow } from './apply-outcome.ts';
import { auditIn } from './audit.ts';
import { DECISION_MS, ledgerNow, lockDeletions, setDeletions, type DeletionRow } from './deletion-rows.ts';
import { keyOf, lockKnownImages, removeImages, saveImages } from './image-rows.ts';
import { transact, type Db, type Ledger } from './ledger.ts';
import { appendHistory } from './tag-history.ts';

interface Step {
  readonly trx: Db;
  readonly input: RecordDeletionsInput;
  readonly lookEnd: number;
  readonly now: number;
  readonly image: ImageRow | undefined;
  readonly deletion: DeletionRow | undefined;
}

/**
 * Records what became of planned deletions. Safe to repeat.
 * @param lookEnd when this record was asked for, by Temporal's clock
 * @throws {TwinportError} LEDGER
 */
export async function recordDeletions(ledger: Ledger, input: RecordDeletionsInput, lookEnd: number): Promise<RecordDeletionsResult> {
  const { policy, repository, outcomes } = input;
  return transact(ledger, async (trx) => {
    await lockDeletions(trx, policy.site);
    const now = await ledgerNow(trx);
    const key = (tag: string) => ({ site: policy.site, repository, tag });
    const images = await lockKnownImages(
      trx,
      outcomes.map(({ tag }) => key(tag)),
    );
    const deletions = await planned(trx, outcomes);
    let again = 0;
    for (const outcome of outcomes) {
      const step = { trx, input, lookEnd, now, image: images.get(keyOf(key(outcome.tag))), deletion: deletions.get(outcome.id) };
      if (outcome.result === 'changed') again += (await changed(step, outcome)) ? 1 : 0;
      else await settle(step, outcome, outcome.result);
    }
    return { summary: summaryOf(outcomes), ...(again > 0 ? { again } : {}) };
  });
}

async function planned(trx: Db, outcomes: readonly DeletionOutcome[]): Promise<Map<string, DeletionRow>> {
  if (outcomes.length === 0) return new Map();
  const rows = await trx
    .selectFrom('deletions')
    .selectAll()
    .where(
      'id',
      'in',
      outcomes.map(({ id }) => id),
    )
    .orderBy('id')
    .forUpdate()
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

function settle(step: Step, outcome: DeletionOutcome, result: Exclude<DeletionOutcome['result'], 'changed'>): Promise<void> {
  switch (result) {
    case 'deleted':
    case 'absent':
      return done(step, outcome);
    case 'back':
      return back(step, outcome);
    case 'held':
      return heldAgain(step, outcome.reason ?? 'the registry did not delete it', outcome.unkept);
    case 'unproved':
      return release(step, outcome);
  }
}

async function done({ trx, input, now, image, deletion }: Step, outcome: DeletionOutcome): Promise<void> {
  const { policy, repository, look } = input;
  const key = { site: policy.site, repository, tag: outcome.tag };
  // A look that came later saw the tag again, and speaks for itself.
  if (image && image.look <= look && ourDigest(image) === outcome.digest) await removeImages(trx, [key]);
  if (deletion && deletion.state !== 'done' && outcome.result === 'absent' && image?.verified_digest === null)
    return setDeletions(trx, [deletion.id], { state: 'cancelled', done_at: now, reason: 'what was tried never came to the secondary' });
  await appendHistory(trx, [{ ...key, oldDigest: outcome.digest, at: look, look }]);
  if (deletion?.state === 'done') return;
  const end = { state: 'done', done_at: now, reason: outcome.reason ?? null } as const;
  if (deletion) await setDeletions(trx, [deletion.id], end);
  // A ledger that was lost in between still learns what was done.
  else
    await trx
      .insertInto('deletions')
      .values({ ...key, ...end, id: outcome.id, digest: outcome.digest, created_at: now, reserved_at: now })
      .execute();
  const detail = { repository, tag: outcome.tag, digest: outcome.digest, result: outcome.result };
  await auditIn(trx, { actor: deletion?.decided_by ?? 'twinport', action: 'delete', site: policy.site, detail });
}

async function back({ trx, input, lookEnd, now, image, deletion }: Step, outcome: DeletionOutcome): Promise<void> {
  if (deletion && deletion.state !== 'done') {
    await setDeletions(trx, [deletion.id], { state: 'cancelled', done_at: now, reason: outcome.reason ?? 'the primary holds the tag' });
  }
  if (!image) return;
  const seen = { ...image, ...AT_PRIMARY };
  const { look } = input;
  // It may have been deleted before it was found to be back: what a look read meanwhile may have been before that.
  const pending = { sync: 'pending', verification: 'pending', overlap: true, changed_at: image.changed_at ?? look } as const;
  await saveImages(trx, [image.look < lookEnd ? { ...seen, ...spanOf(image, look, lookEnd), ...pending } : seen]);
}

/**
 * The tag holds something else. Where that is our own work, be it of a worker that died before it could tell, it is what has to go; where nothing of ours
 * was ever seen there, the tag is not ours, and what we may have put never came.
 * @returns true if the tag is to be planned again
 */
async function changed(step: Step, outcome: DeletionOutcome): Promise<boolean> {
  const { trx, now, image, deletion } = step;
  const { found, reason } = outcome;
  const ours = image && found !== undefined && isOurs(image, found);
  const nobodys = image && found !== undefined && !ours && image.verified_digest === null;
  if (!ours && !nobodys) {
    await heldAgain(step, `the secondary's tag is no longer what Twinport put there${reason ? `: ${reason}` : ''}`);
    return false;
  }
  if (ours) await saveImages(trx, [withPut(image, found, true)]);
  else await removeImages(trx, [image]);
  if (deletion?.state === 'reserved') await setDeletions(trx, [deletion.id], { state: 'cancelled', done_at: now, reason: reason ?? null });
  return ours === true;
}

/** What stands in the way may be gone when a person has seen to it: the approval, if there was one, is asked for again. */
async function heldAgain({ trx, now, deletion }: Step, reason: string, unkept = false): Promise<void> {
  if (deletion?.state !== 'reserved') return;
  const open = { reserved_at: null, decided_at: null, decided_by: null, expires_at: now + DECISION_MS };
  await setDeletions(trx, [deletion.id], { state: 'held', reason, unkept, ...open });
}

/** Nothing was done, so nothing was spent; a person's approval stays. */
async function release({ trx, now, deletion }: Step, outcome: DeletionOutcome): Promise<void> {
  if (deletion?.state !== 'reserved') return;
  if (deletion.decided_by === null) await trx.deleteFrom('deletions').where('id', '=', deletion.id).execute();
  else
    await setDeletions(trx, [deletion.id], {
      state: 'approved',
      reason: outcome.reason ?? null,
      reserved_at: null,
      expires_at: now + DECISION_MS,
    });
}

function summaryOf(outcomes: readonly DeletionOutcome[]): string {
  const counts = new Map<string, number>();
  for (const { result } of outcomes) counts.set(result, (counts.get(result) ?? 0) + 1);
  const parts = [...counts].map(([result, n]) => `${n} ${result}`);
  return `${count(outcomes.length, 'deletion')}: ${parts.join(', ') || 'nothing done'}`;
}
