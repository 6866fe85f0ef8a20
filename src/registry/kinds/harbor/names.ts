/** A repository as Harbor names it: the first part is its project. */
export interface HarborName {
  readonly project: string;
  /** Without the project; empty where there is none. */
  readonly rest: string;
}

/** Takes a name of `/v2/` apart. */
export function harborName(repository: string): HarborName {
  const slash = repository.indexOf('/');
  return slash < 0 ? { project: repository, rest: '' } : { project: repository.slice(0, slash), rest: repository.slice(slash + 1) };
}

/** The path of a repository's artifacts; a slash in its name is encoded twice, as Harbor wants it. */
export function artifactsPath(repository: string): string {
  const { project, rest } = harborName(repository);
  return `/api/v2.0/projects/${encodeURIComponent(project)}/repositories/${encodeURIComponent(encodeURIComponent(rest))}/artifacts`;
}
