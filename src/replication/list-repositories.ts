import type { SitePolicy } from '../model/policy.ts';
import type { ListRepositoriesResult } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { listRepositories as listPage } from '../registry/catalog.ts';
import { repositoryInScope } from './scope.ts';
import type { Site } from './site.ts';

/** One page of the primary's catalog, and which of its repositories the policy replicates. */
export async function listRepositories(
  site: Site,
  policy: SitePolicy,
  after: string | undefined,
  limit: number,
  signal?: AbortSignal,
): Promise<Omit<ListRepositoriesResult, 'look'>> {
  const page = await listPage(site.primary, { limit, ...(after === undefined ? {} : { after }), ...(signal ? { signal } : {}) });
  const repositories = page.repositories.filter((repository) => repositoryInScope(policy, repository));
  const excluded = page.repositories.length - repositories.length;
  const summary = `${count(repositories.length, 'repository').replace(/ys$/, 'ies')}${excluded > 0 ? `, ${excluded} excluded` : ''}`;
  return { summary, repositories, excluded, ...(page.next === undefined ? {} : { next: page.next }) };
}
