import picomatch from 'picomatch';
import type { Patterns, SitePolicy } from '../model/policy.ts';
import { isReservedRepository, isReservedTag } from '../model/reference.ts';

const compiled = new Map<string, (name: string) => boolean>();

/** Says whether a site's policy replicates this repository. */
export function repositoryInScope(policy: SitePolicy, repository: string): boolean {
  return !isReservedRepository(repository) && matches(policy.repositories, repository);
}

/** Says whether a site's policy replicates this tag. */
export function tagInScope(policy: SitePolicy, tag: string): boolean {
  return !isReservedTag(tag) && matches(policy.tags, tag);
}

/** In if one of `include` and none of `exclude` matches; `*` stays within a path segment, `**` crosses them. */
export function matches(patterns: Patterns, name: string): boolean {
  return patterns.include.some((glob) => globMatches(glob, name)) && !patterns.exclude.some((glob) => globMatches(glob, name));
}

function globMatches(glob: string, name: string): boolean {
  let test = compiled.get(glob);
  if (!test) compiled.set(glob, (test = picomatch(glob, { dot: true })));
  return test(name);
}
