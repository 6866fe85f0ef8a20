import type {
  CompareRepositoriesInput,
  CompareRepositoriesResult,
  CompareRepositoryInput,
  CompareRepositoryResult,
  ListRepositoriesInput,
  ListRepositoriesResult,
  LookAtDigestsInput,
  LookAtDigestsResult,
} from '../../src/model/steps.ts';
import { compareRepositories as compareMany, type OnePage } from '../../src/replication/compare-repositories.ts';
import { compareRepository as compare } from '../../src/replication/compare.ts';
import { listRepositories as list } from '../../src/replication/list-repositories.ts';
import { lookAtDigests as look } from '../../src/replication/look-at-digests.ts';
import { finishPlaceholders } from '../../src/replication/placeholders.ts';
import { routeOf, scanned, type Site } from '../../src/replication/site.ts';
import { runActivity, scheduledAt, settleBatch } from './context.ts';

/** A page of the primary's catalog. Safe to repeat because it only reads. */
export const listRepositories =
  (site: Site) =>
  (input: ListRepositoriesInput): Promise<ListRepositoriesResult> =>
    runActivity(site, input, async (signal) => ({
      ...(await list(scanned(site), input.policy, input.after, input.limit, signal)),
      look: scheduledAt(),
    }));

/**
 * A window of a repository's tags, compared on both sides. Safe to repeat because it only reads, but for the end of deletions that were interrupted
 * between their two steps.
 */
export const compareRepository =
  (site: Site) =>
  (input: CompareRepositoryInput): Promise<CompareRepositoryResult> =>
    runActivity(site, input, async (signal) => {
      const route = routeOf(scanned(site), input, signal);
      const { placeholders, ...page } = await compare(route, input.policy, input.after, input.limit, { ahead: true });
      const left = await finishPlaceholders(route, placeholders);
      const summary = [page.summary, ...left.map((why) => `a deletion could not be ended: ${why}`)].join('; ');
      return settleBatch({ ...page, summary, look: scheduledAt() });
    });

/** Which of some repositories hold the same on both sides, and what differs in the others, where that is wanted. Safe to repeat because it only reads. */
export const compareRepositories =
  (site: Site) =>
  (input: CompareRepositoriesInput): Promise<CompareRepositoriesResult> =>
    runActivity(site, input, async (signal) => {
      const { equal, differing, ...rest } = await compareMany(scanned(site), input.policy, input.repositories, input, signal);
      const look = scheduledAt();
      const asOf = (pages: readonly OnePage[]) => pages.map(({ repository, page }) => ({ repository, page: { ...page, look } }));
      return { ...rest, equal: asOf(equal), ...(input.whole ? { differing: asOf(differing) } : {}) };
    });

/** What manifests without a tag ask for. Safe to repeat because it only reads. */
export const lookAtDigests =
  (site: Site) =>
  (input: LookAtDigestsInput): Promise<LookAtDigestsResult> =>
    runActivity(site, input, (signal) => look(routeOf(site, input, signal), input.digests, input.policy.untagged));
