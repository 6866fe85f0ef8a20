import { condition, continueAsNew, getExternalWorkflowHandle, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { backoffMs } from '../src/model/backoff.ts';
import type { Digest } from '../src/model/digest.ts';
import { isUrgent, wantedBy, type Wanted } from '../src/model/notices.ts';
import {
  addWork,
  NO_WORK,
  type Notice,
  type RepositoryStep,
  type SyncRepositoryInput,
  type SyncRepositoryResult,
  type Work,
} from '../src/model/steps.ts';
import { count, formatBytes } from '../src/model/text.ts';
import { siteActivities } from './activities.ts';
import { noticed, scanned } from './messages.ts';
import { copyRound } from './round.ts';
import { scanRepository } from './scan.ts';

/** Events come in flocks: an index of N platforms raises N+1. */
const QUIET_MS = 5_000;
const LONGEST_QUIET_MS = 60_000;
const ROUNDS_A_RUN = 20;

/**
 * Keeps one repository of a secondary equal to the primary's: compares it when asked, looks at manifests that were pushed without a tag, and alone decides
 * what is deleted. As a child of `backfillSite` it ends with its scan; started by itself it tries again what failed.
 */
export async function syncRepository(input: SyncRepositoryInput): Promise<SyncRepositoryResult> {
  const notices: Notice[] = [...(input.pending ?? [])];
  setHandler(noticed, (notice) => {
    notices.push(notice);
  });
  const { policy, repository } = input;
  const step: RepositoryStep = { policy, repository };
  let carried = input.carried;
  let scan = input.mode === 'scan' || carried !== undefined;
  let attempts = input.attempts ?? 0;
  let work = NO_WORK;
  let unsettled = 0;
  for (let rounds = 1; ; rounds++) {
    if (rounds > ROUNDS_A_RUN || workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof syncRepository>({ ...input, mode: scan ? 'scan' : 'notices', pending: notices, attempts });
    }
    if (!scan) await quiet(notices);
    const wanted = wantedBy(notices.splice(0));
    if (wanted.digests.length > 0) work = addWork(work, await syncReferrers(step, wanted.digests));
    if (scan || wanted.scan) {
      const result = await scanRepository(step, {
        scan: carried?.scan ?? `${workflowInfo().runId}/${rounds}`,
        verify: wanted.verify ?? input.verify,
        once: input.once || wanted.replyTo.length > 0,
        deletions: wanted.deletions,
        carried,
        carryOn: (done) =>
          continueAsNew<typeof syncRepository>({ ...input, pending: [...answerable(wanted), ...notices], attempts, carried: done }),
      });
      carried = undefined;
      scan = false;
      work = addWork(work, result.work);
      unsettled = result.unsettled;
      attempts = unsettled > 0 ? attempts + 1 : 0;
      await answer(wanted.replyTo, { repository, work: result.work, unsettled, summary: summarize(result.work) });
    } else if (wanted.repair) attempts = Math.max(1, attempts);
    if (notices.length > 0) continue;
    if (attempts === 0 || input.mode === 'scan') return { work, unsettled, summary: summarize(work) };
    // On its own, with failures left: sleep, then compare again; a notice is not kept waiting.
    scan = !(await condition(() => notices.length > 0, backoffMs(attempts, Math.random())));
  }
}

/** Waits until nothing new has come for a while; a notice that somebody waits for is not delayed. */
async function quiet(notices: readonly Notice[]): Promise<void> {
  const until = Date.now() + LONGEST_QUIET_MS;
  if (notices.length === 0) await condition(() => notices.length > 0);
  for (;;) {
    const known = notices.length;
    if (notices.some(isUrgent) || Date.now() >= until) return;
    if (notices.every((notice) => notice.kind === 'repair')) return;
    if (!(await condition(() => notices.length > known, QUIET_MS))) return;
  }
}

/** Subjects at the secondary whose referrers changed are brought up to date, by digest. */
async function syncReferrers(step: RepositoryStep, digests: readonly Digest[]): Promise<Work> {
  const { lookAtDigests } = siteActivities(step.policy.site, 'bulk');
  const looked = await lookAtDigests(
    { ...step, digests },
    { summary: `${step.repository}: ${count(digests.length, 'digest')} without a tag` },
  );
  if (looked.subjects.length === 0) return NO_WORK;
  const copied = await copyRound(
    { step, lane: 'bulk', depth: 'shallow' },
    looked.subjects.map((digest) => ({ digest })),
  );
  return copied.work;
}

async function answer(
  waiting: readonly string[],
  result: { repository: string; work: Work; unsettled: number; summary: string },
): Promise<void> {
  for (const workflowId of waiting) {
    try {
      await getExternalWorkflowHandle(workflowId).signal(scanned, result);
    } catch (thrown) {
      // Who asked has ended meanwhile: nobody waits any more.
      if (isCancellation(thrown)) throw thrown;
    }
  }
}

function answerable(wanted: Wanted): Notice[] {
  return [...wanted.deletions, ...wanted.replyTo.map((replyTo): Notice => ({ kind: 'compare', receivedAt: 0, replyTo }))];
}

function summarize(work: Work): string {
  const parts = [`${count(work.synced, 'image')} verified, ${formatBytes(work.bytesCopied)} copied`];
  if (work.deleted > 0) parts.push(`${work.deleted} deleted`);
  if (work.failed > 0) parts.push(`${work.failed} failed`);
  return parts.join(', ');
}
