import { afterEach } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { backfillSiteId, bulkQueue, WORKFLOWS } from '../../src/model/names.ts';
import type { BackfillProgress, BackfillSiteInput, CompareRepositoryResult, ListRepositoriesResult } from '../../src/model/steps.ts';
import { POLICY } from '../support/policy.ts';
import type { Scripted, World } from './world.ts';

export const INPUT: BackfillSiteInput = { policy: POLICY, verify: 'auto', once: false, concurrency: 4 };

export type BackfillSite = (input: BackfillSiteInput) => Promise<BackfillProgress>;

export const equal = async (): Promise<CompareRepositoryResult> => ({
  ...{ summary: '', look: 1, tags: [], extra: [], excluded: 0, failures: [] },
});

export function catalog(...repositories: string[]): ListRepositoriesResult {
  return { summary: '', repositories, excluded: 0, look: 1_000 };
}

export interface BackfillRuns {
  start(input?: Partial<BackfillSiteInput>): Promise<WorkflowHandle<BackfillSite>>;
  /** From its start to its end, where both sides of each repository hold the same unless the script says otherwise. */
  backfilled(script: Partial<Scripted>, input?: Partial<BackfillSiteInput>): Promise<BackfillProgress>;
  /** The repositories that a workflow of their own compared. */
  compared(): string[];
  /** How often an activity was asked for. */
  times(name: keyof Scripted): number;
}

/** The backfill of one site, `eu`, in this world. */
export function backfillRuns(world: World): BackfillRuns {
  afterEach(async () => {
    // Nothing ends a call that waits at a gate, and so nothing would end its workflow, and the next tests'.
    for (const open of gates.splice(0)) open();
    const left = world.env.client.workflow.getHandle(backfillSiteId('eu'));
    await left.cancel().catch(() => undefined);
    await left.result().catch(() => undefined);
  });
  const start: BackfillRuns['start'] = (input = {}) =>
    world.env.client.workflow.start<BackfillSite>(WORKFLOWS.backfillSite, {
      workflowId: backfillSiteId('eu'),
      taskQueue: bulkQueue('eu'),
      args: [{ ...INPUT, ...input }],
    });
  return {
    start,
    backfilled: (script, input) => world.run({ compareRepository: equal, ...script }, async () => (await start(input)).result()),
    compared: () => world.inputs('compareRepository').map(({ repository }) => repository),
    times: (name) => world.inputs(name).length,
  };
}

const gates: (() => void)[] = [];

/** Holds every call until it is opened, and counts those that wait. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((done) => (open = done));
  gates.push(open);
  const state = { waiting: 0, most: 0, open: () => open() };
  const pass = async <T>(result: T): Promise<T> => {
    state.waiting += 1;
    state.most = Math.max(state.most, state.waiting);
    await opened;
    state.waiting -= 1;
    return result;
  };
  return { state, pass };
}
