import { BATCH_IMAGES } from '../model/batches.ts';
import { isTwinportError } from '../model/failure.ts';
import type { SitePolicy } from '../model/policy.ts';
import { count } from '../model/text.ts';
import { compareInOnePage, type Comparison } from './compare.ts';
import { concurrently } from './concurrently.ts';
import { routeOf, type Site } from './site.ts';

/** A repository of more tags is compared by a workflow of its own. */
const TAGS_A_REPOSITORY = 250;
/** After so many no further repository is begun, so that the answer fits a payload. */
const TAGS_IN_ALL = 1_000;

/** What was found of some repositories; see `CompareRepositoriesResult`. */
export interface ComparedRepositories {
  readonly summary: string;
  readonly equal: readonly OnePage[];
  readonly differing: readonly OnePage[];
  readonly left: readonly string[];
}

/** A repository that one page tells whole. */
export interface OnePage {
  readonly repository: string;
  readonly page: Omit<Comparison, 'placeholders'>;
}

/**
 * Tells which repositories hold the same on both sides, and gives the comparison of these. One that cannot be compared is not among them:
 * whoever looks at it closely says why.
 * @param options `concurrency`: repositories at a time; `whole`: the comparisons of those that differ, but for what the secondary alone has, are given too
 */
export async function compareRepositories(
  site: Site,
  policy: SitePolicy,
  repositories: readonly string[],
  { concurrency, whole = false }: { readonly concurrency: number; readonly whole?: boolean },
  signal?: AbortSignal,
): Promise<ComparedRepositories> {
  let tags = 0;
  const left: string[] = [];
  const equal: OnePage[] = [];
  const differing: OnePage[] = [];
  await concurrently(repositories, concurrency, async (repository) => {
    if (tags >= TAGS_IN_ALL) {
      left.push(repository);
      return;
    }
    const compared = await comparisonOf(site, policy, repository, whole, signal);
    if (!compared) return;
    const { equal: same, placeholders: _none, ...page } = compared;
    tags += page.tags.length + page.extra.length + (page.kept?.length ?? 0);
    (same ? equal : differing).push({ repository, page });
  });
  const looked = repositories.length - left.length;
  const summary = `${equal.length} of ${looked} repositories equal on both sides, ${count(tags, 'tag')}`;
  return { summary, equal, differing, left };
}

async function comparisonOf(site: Site, policy: SitePolicy, repository: string, whole: boolean, signal?: AbortSignal) {
  try {
    // Of what is to be brought over no more manifests are read ahead than one batch takes.
    return await compareInOnePage(routeOf(site, { policy, repository }, signal), policy, whole ? BATCH_IMAGES : TAGS_A_REPOSITORY, {
      whole,
    });
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!isTwinportError(thrown)) throw thrown;
    return undefined;
  }
}
