import { chunks } from '../src/model/batches.ts';
import { PRIORITY } from '../src/model/names.ts';
import type { BackfillSiteInput, CompareRepositoriesResult } from '../src/model/steps.ts';
import { control, siteActivities } from './activities.ts';
import { activityFailure } from './activity-failure.ts';

/** Repositories of one activity, and such activities at once: workers share them. */
const TOGETHER = 25;
const AT_ONCE = 4;

/** What a backfill lends. */
export interface Settling {
  /** Waits while it is paused. */
  readonly begin: () => Promise<void>;
  /** Told of so many more repositories that are done. */
  readonly done: (repositories: number) => void;
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
  const alone = new Set<string>();
  const queue = chunks(repositories, TOGETHER);
  const lanes = Math.min(AT_ONCE, concurrency, queue.length);
  const settle = async (some: readonly string[]): Promise<void> => {
    const { equal, others, left } = await compare(some);
    for (const repository of others) alone.add(repository);
    if (left.length > 0) queue.push([...left]);
    if (equal.length === 0) return;
    const recorded = await control.recordScans({ policy, scan, equal }, { summary: `${policy.site}: ${equal.length} repositories, equal` });
    for (const repository of recorded.others) alone.add(repository);
    done(equal.length - recorded.others.length);
  };
  const compare = (some: readonly string[]): Promise<CompareRepositoriesResult> =>
    siteActivities(policy.site, 'bulk').compareRepositories(
      { policy, repositories: some, concurrency: Math.ceil(concurrency / lanes) },
      { summary: `${policy.site}: compare ${some.length} repositories`, priority: PRIORITY.backfill },
    );
  const lane = async (): Promise<void> => {
    for (let some = queue.shift(); some; some = queue.shift()) {
      await begin();
      try {
        await settle(some);
      } catch (thrown) {
        // Whatever it is, their own workflows meet it, and say of which repository.
        activityFailure(thrown);
        for (const repository of some) alone.add(repository);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return repositories.filter((repository) => alone.has(repository));
}
