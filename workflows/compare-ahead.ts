import { PRIORITY } from '../src/model/names.ts';
import type { BackfillSiteInput, CompareRepositoryResult } from '../src/model/steps.ts';
import { siteActivities } from './activities.ts';
import { orAlone } from './activity-failure.ts';
import { isJustNow } from './scan.ts';

/** Repositories of one activity. */
const AHEAD = 8;

/** Gives the comparison that was just made of a repository, if there is one. */
export type ComparedAhead = (repository: string) => Promise<CompareRepositoryResult | undefined>;

/**
 * Compares repositories some at a time, just before their own workflows begin: an activity for each would cost more than its comparison. Once that
 * was in vain, there is no more of it: what is read ahead is read twice then.
 * @returns what begins with some repositories, in the order in which they will be asked for
 */
export function compareAhead({ policy, concurrency }: BackfillSiteInput): (repositories: readonly string[]) => ComparedAhead {
  // What a repository may lack beside its tags is found by its own workflow.
  let size = policy.untagged === 'all' ? 1 : Math.min(AHEAD, concurrency);
  const compare = async (some: readonly string[]): Promise<Map<string, CompareRepositoryResult>> => {
    const found = new Map<string, CompareRepositoryResult>();
    let answered = false;
    await orAlone(async () => {
      const { equal, differing = [] } = await siteActivities(policy.site, 'scan').compareRepositories(
        { policy, repositories: some, concurrency, whole: true },
        { summary: `${policy.site}: compare ${some.length} repositories, to bring them over`, priority: PRIORITY.backfill },
      );
      for (const { repository, page } of [...equal, ...differing]) found.set(repository, page);
      answered = true;
    });
    if (!answered) size = 1;
    return found;
  };
  return (repositories) => {
    const pages = new Map<string, Promise<CompareRepositoryResult | undefined>>();
    return async (repository) => {
      if (!pages.has(repository) && size > 1) {
        const at = repositories.indexOf(repository);
        const some = repositories.slice(at, at + size);
        const comparing = compare(some);
        for (const one of some) {
          const page = comparing.then((found) => found.get(one));
          // Whoever asks for it is told; of a cancelled backfill nobody may.
          page.catch(() => undefined);
          pages.set(one, page);
        }
      }
      const page = await pages.get(repository);
      pages.delete(repository);
      if (!page || isJustNow(page.look)) return page;
      size = 1;
      return undefined;
    };
  };
}
