import { afterEach } from '@jest/globals';
import type { WorkflowHandle, WorkflowHandleWithSignaledRunId } from '@temporalio/client';
import type { Failure } from '../../src/model/failure.ts';
import { bulkQueue, SIGNALS, syncRepositoryId, WORKFLOWS } from '../../src/model/names.ts';
import type {
  ComparedTag,
  CompareRepositoryResult,
  Notice,
  PlanDeletionsResult,
  PlannedDeletion,
  PublishManifestsInput,
  PublishManifestsResult,
  SyncRepositoryInput,
  SyncRepositoryResult,
  TaggedImage,
} from '../../src/model/steps.ts';
import { POLICY } from '../support/policy.ts';
import { digest, type Scripted, type World } from './world.ts';

export const FIVE = ['fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'markVerification'];
export const LATER: Failure = { code: 'UNAUTHORIZED', message: 'the password is wrong', retry: 'later' };
export const NEVER: Failure = { code: 'DENIED', message: 'this user may not', retry: 'never' };

const SCAN: SyncRepositoryInput = { policy: POLICY, repository: 'app', mode: 'scan', verify: 'auto', once: false };
export const WORKFLOW = { workflowId: syncRepositoryId('eu', 'app'), taskQueue: bulkQueue('eu') };

type SyncRepository = (input: SyncRepositoryInput) => Promise<SyncRepositoryResult>;

export interface RepositoryRuns {
  /** As `backfillSite` starts it: it compares, and returns. */
  scan(input?: Partial<SyncRepositoryInput>): Promise<WorkflowHandle<SyncRepository>>;
  scanned(input?: Partial<SyncRepositoryInput>): Promise<SyncRepositoryResult>;
  /** As an event, or what else has noticed something, starts it. */
  notice(told: Omit<Notice, 'receivedAt'>, input?: Partial<SyncRepositoryInput>): Promise<WorkflowHandleWithSignaledRunId<SyncRepository>>;
  /** How often an activity was asked for. */
  times(name: keyof Scripted): number;
}

/** The workflow of one repository, `app`, in this world. */
export function repositoryRuns(world: World): RepositoryRuns {
  afterEach(async () => {
    // What a failed test left behind; terminating would keep the server from skipping time.
    const left = world.env.client.workflow.getHandle(WORKFLOW.workflowId);
    await left.cancel().catch(() => undefined);
    await left.result().catch(() => undefined);
  });
  const scan: RepositoryRuns['scan'] = (input = {}) =>
    world.env.client.workflow.start<SyncRepository>(WORKFLOWS.syncRepository, { ...WORKFLOW, args: [{ ...SCAN, ...input }] });
  return {
    scan,
    scanned: async (input) => (await scan(input)).result(),
    notice: (told, input = {}) =>
      world.env.client.workflow.signalWithStart<SyncRepository, [Notice]>(WORKFLOWS.syncRepository, {
        ...WORKFLOW,
        args: [{ ...SCAN, mode: 'notices', ...input }],
        signal: SIGNALS.noticed,
        signalArgs: [{ receivedAt: 1, ...told }],
      }),
    times: (name) => world.inputs(name).length,
  };
}

export function compared(page: Partial<CompareRepositoryResult>): CompareRepositoryResult {
  return { summary: '', look: 1_000, tags: [], extra: [], excluded: 0, failures: [], ...page };
}

export function published(
  { images }: PublishManifestsInput,
  change: Partial<PublishManifestsResult['images'][number]> = {},
): PublishManifestsResult {
  return {
    summary: '',
    look: 2_000,
    images: images.map((image) => ({ ...image, state: 'verified' as const, changed: true, bytes: 10, ...change })),
  };
}

export function plan(change: Partial<PlanDeletionsResult> = {}): PlanDeletionsResult {
  return { summary: '', approved: [], controls: [], held: 0, waiting: 0, ...change };
}

export function differing(...tags: string[]): ComparedTag[] {
  return tags.map((tag) => ({ tag, digest: digest('a'), same: false }));
}

export function gone(tag: string): TaggedImage & { tag: string } {
  return { tag, digest: digest('d') };
}

export function planned(tag: string): PlannedDeletion {
  return { id: `deletion of ${tag}`, ...gone(tag) };
}
