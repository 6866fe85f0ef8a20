import { Context } from '@temporalio/activity';
import { recordBackfill, recordCatalogPage, recordCatalogScan } from '../../src/ledger/backfills.ts';
import { imagesToVerify } from '../../src/ledger/images-to-verify.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { markVerification } from '../../src/ledger/mark-verification.ts';
import { planDeletions } from '../../src/ledger/plan-deletions.ts';
import { recordDeletions } from '../../src/ledger/record-deletions.ts';
import { judgePrimary } from '../../src/ledger/regressions.ts';
import { recordScan } from '../../src/ledger/record-scan.ts';
import { recordSettledScans } from '../../src/ledger/record-settled-scans.ts';
import { recordUndo } from '../../src/ledger/undo.ts';
import { knownRepositories, settledRepositories } from '../../src/ledger/repositories.ts';
import type { JudgePrimaryInput, RecordUndoInput } from '../../src/model/guard-steps.ts';
import type {
  ImagesToVerifyInput,
  KnownRepositoriesInput,
  KnownRepositoriesResult,
  MarkVerificationInput,
  PlanDeletionsInput,
  RecordBackfillInput,
  RecordDeletionsInput,
  RecordScanInput,
  RecordScansInput,
  SettledRepositoriesInput,
  StartLookInput,
  StartScheduledInput,
} from '../../src/model/steps.ts';
import { repositoryInScope, tagInScope } from '../../src/replication/scope.ts';
import { applicationFailure } from '../failure.ts';

/** What the control side lends its activities. */
export interface ControlParts {
  readonly ledger: Ledger;
  /** Signals, with start, the workflow that looks: workflow code cannot, and no other activity does. */
  readonly startLook: (input: StartLookInput) => Promise<void>;
  /** Starts a site's scheduled work under its fixed id, or joins it. */
  readonly startScheduled: (input: StartScheduledInput) => Promise<void>;
  /** Told of each verified image how long ago its event was received, in seconds. */
  readonly onVerified?: (site: string, seconds: number) => void;
  /** Told of what a workflow has had recorded of images. */
  readonly onRecorded?: (input: MarkVerificationInput, workflowId: string | undefined) => void;
}

/**
 * The activities that see the ledger, and never a registry. Each is safe to repeat: upserts are fenced by the look that they record, and a
 * signal said twice asks for the same look twice.
 */
export function controlActivities({ ledger, startLook, startScheduled, onVerified, onRecorded }: ControlParts) {
  return {
    markVerification: (input: MarkVerificationInput) =>
      recorded(async () => {
        const at = scheduledFirst();
        const result = await markVerification(ledger, input, at);
        if (onVerified) for (const seconds of delaysOf(input, at)) onVerified(input.policy.site, seconds);
        onRecorded?.(input, Context.current().info.workflowExecution?.workflowId);
        return result;
      }),
    recordScan: (input: RecordScanInput) =>
      recorded(() => recordScan(ledger, input, scheduledFirst(), (tag) => tagInScope(input.policy, tag))),
    settledRepositories: (input: SettledRepositoriesInput) => recorded(() => settledRepositories(ledger, input, scheduledFirst())),
    recordScans: (input: RecordScansInput) =>
      recorded(() => recordSettledScans(ledger, input, scheduledFirst(), (tag) => tagInScope(input.policy, tag))),
    knownRepositories: (input: KnownRepositoriesInput): Promise<KnownRepositoriesResult> =>
      recorded(async () => ({
        repositories: await knownRepositories(ledger, input, (repository) => repositoryInScope(input.policy, repository)),
      })),
    imagesToVerify: (input: ImagesToVerifyInput) => recorded(() => imagesToVerify(ledger, input)),
    judgePrimary: (input: JudgePrimaryInput) => recorded(() => judgePrimary(ledger, input)),
    planDeletions: (input: PlanDeletionsInput) => recorded(() => planDeletions(ledger, input)),
    recordDeletions: (input: RecordDeletionsInput) => recorded(() => recordDeletions(ledger, input, scheduledFirst())),
    recordUndo: (input: RecordUndoInput) => recorded(() => recordUndo(ledger, input, scheduledFirst())),
    recordBackfill: (input: RecordBackfillInput) =>
      recorded(async () => {
        if (input.listed) await recordCatalogPage(ledger, input.site, input.listed);
        await recordBackfill(ledger, input.site, input.progress);
        if (input.catalog) await recordCatalogScan(ledger, input.site, input.catalog);
      }),
    startLook: (input: StartLookInput) => recorded(() => startLook(input)),
    startScheduled: (input: StartScheduledInput) => recorded(() => startScheduled(input)),
  };
}

export type ControlActivities = ReturnType<typeof controlActivities>;

/** From the receipt of an event, by its receiver's clock, to the record of the verification. */
function delaysOf({ outcomes }: MarkVerificationInput, at: number): number[] {
  return outcomes.flatMap(({ verification, receivedAt }) =>
    verification === 'succeeded' && receivedAt !== undefined ? [Math.max(0, at - receivedAt) / 1000] : [],
  );
}

async function recorded<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    throw applicationFailure(thrown);
  }
}

/** When the record was first asked for: the end of the look that it records, whatever its own retries took. */
function scheduledFirst(): number {
  return Context.current().info.scheduledTimestampMs;
}
