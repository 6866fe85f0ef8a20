import { isTwinportError } from '../model/failure.ts';
import type { SitePolicy } from '../model/policy.ts';
import { count } from '../model/text.ts';
import { compareWhileEqual, type Comparison } from './compare.ts';
import { concurrently } from './concurrently.ts';
import { routeOf, type Site } from './site.ts';

/** A repository of more tags is compared by a workflow of its own. */
const TAGS_A_REPOSITORY = 250;
/** After so many no further repository is begun, so that the answer fits a payload. */
const TAGS_IN_ALL = 1_000;

/** What was found of some repositories; see `CompareRepositoriesResult`. */
export interface ComparedRepositories {
  readonly summary: string;
  readonly equal: readonly { readonly repository: string; readonly page: Omit<Comparison, 'placeholders'> }[];
  readonly left: readonly string[];
}

/**
 * Tells which repositories hold the same on both sides, and gives the comparison of these. One that cannot be compared is not among them:
 * whoever looks at it closely says why.
 */
export async function compareRepositories(
  site: Site,
  policy: SitePolicy,
  repositories: readonly string[],
  concurrency: number,
  signal?: AbortSignal,
): Promise<ComparedRepositories> {
  let tags = 0;
  const left: string[] = [];
  const compared = await concurrently(repositories, concurrency, async (repository) => {
    if (tags >= TAGS_IN_ALL) {
      left.push(repository);
      return undefined;
    }
    const page = await equalOrNot(site, policy, repository, signal);
    if (page) tags += page.tags.length + page.extra.length + (page.kept?.length ?? 0);
    return { repository, page };
  });
  const looked = compared.filter((one) => one !== undefined);
  const equal = looked.flatMap(({ repository, page }) => (page ? [{ repository, page }] : []));
  const summary = `${equal.length} of ${looked.length} repositories equal on both sides, ${count(tags, 'tag')}`;
  return { summary, equal, left };
}

async function equalOrNot(site: Site, policy: SitePolicy, repository: string, signal?: AbortSignal) {
  try {
    const compared = await compareWhileEqual(routeOf(site, { policy, repository }, signal), policy, TAGS_A_REPOSITORY);
    if (!compared) return undefined;
    const { placeholders: _none, ...page } = compared;
    return page;
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!isTwinportError(thrown)) throw thrown;
    return undefined;
  }
}
