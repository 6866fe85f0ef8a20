import { patched } from '@temporalio/workflow';
import { evenChunks, SCANS_A_WORKER } from '../src/model/batches.ts';
import { PRIORITY } from '../src/model/names.ts';
import type { BackfillSiteInput } from '../src/model/steps.ts';
import { control, siteActivities } from './activities.ts';
import { orAlone } from './activity-failure.ts';

/** Repositories of one activity at most, and such activities that are asked for at once: workers share them. */
const TOGETHER = 25;
const AT_ONCE = 8;
const AT_ONCE_BEFORE = 4;

/** What a backfill lends. */
export interface Settling {
  /** Waits while it is paused. */
  readonly begin: () => Promise<void>;
  /** Told of so many more repositories that are done. */
  readonly done: (repositories: number) => Promise<void>;
}

/**
 * Compares repositories many at a time and records those in which there is nothing to do: most, in most scans, and a workflow for each would cost more
 * than its comparison.
 * @param scan what looks at them, in the ledger
 * @returns the others, for which a workflow of their own is to be run
 */
export async function settleTogether(
  { policy, concurrency }: BackfillSiteInput,
  scan: string,
  repositories: readonly string[],
  { begin, done }: Settling,
): Promise<readonly string[]> {
  const settled = new Set<string>();
  await orAlone(async () => {
    const known = await control.settledRepositories(
      { policy, repositories },
      { summary: `${policy.site}: what was settled by the last scan` },
    );
    const queue = evenChunks(known.repositories, TOGETHER);
    const lanes = Math.min(patched('settle-by-eight') ? AT_ONCE : AT_ONCE_BEFORE, concurrency, queue.length);
    const settle = async (some: readonly string[]): Promise<void> => {
      const { equal, left } = await siteActivities(policy.site, 'scan').compareRepositories(
        { policy, repositories: some, concurrency: Math.ceil(concurrency / Math.min(lanes, SCANS_A_WORKER)) },
        { summary: `${policy.site}: compare ${some.length} repositories`, priority: PRIORITY.backfill },
      );
      if (left.length > 0) queue.push([...left]);
      if (equal.length === 0) return;
      const { others } = await control.recordScans(
        { policy, scan, equal },
        { summary: `${policy.site}: ${equal.length} repositories, equal` },
      );
      const recorded = equal.map(({ repository }) => repository).filter((repository) => !others.includes(repository));
      for (const repository of recorded) settled.add(repository);
      await done(recorded.length);
    };
    const lane = async (): Promise<void> => {
      for (let some = queue.shift(); some; some = queue.shift()) {
        const these = some;
        await begin();
        await orAlone(() => settle(these));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  });
  return repositories.filter((repository) => !settled.has(repository));
}
