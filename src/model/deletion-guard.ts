/** What a site and a repository hold, and what was deleted there in the last 24 hours. */
export interface DeletionCounts {
  readonly repositoryTags: number;
  readonly siteTags: number;
  readonly repositoryDeleted: number;
  readonly siteDeleted: number;
}

/** How many tags may still be deleted before a person is asked: max(1, min(10, 10 %)) a repository, max(1, 10 %) a site, in 24 hours. */
export function deletionBudget(counts: DeletionCounts): number {
  // What was deleted already counts as held at the window's start, else the budget would shrink with each use.
  const repositoryTotal = counts.repositoryTags + counts.repositoryDeleted;
  const siteTotal = counts.siteTags + counts.siteDeleted;
  const repository = Math.max(1, Math.min(10, Math.floor(repositoryTotal / 10))) - counts.repositoryDeleted;
  const site = Math.max(1, Math.floor(siteTotal / 10)) - counts.siteDeleted;
  return Math.max(0, Math.min(repository, site));
}

/** A run that would exceed what is left holds all of its deletions. */
export function deletionVerdict(wanted: number, counts: DeletionCounts, policy: 'guard' | 'mirror' | 'never'): 'go' | 'hold' | 'never' {
  if (policy === 'never') return 'never';
  if (policy === 'mirror') return 'go';
  return wanted <= deletionBudget(counts) ? 'go' : 'hold';
}
