import picomatch from 'picomatch';
import { mapRepository } from '../model/reference.ts';
import type { Patterns, SitePolicy } from '../model/policy.ts';

/** Names that no glob means by chance: what excludes all of them excludes a whole folder. */
const PROBES = ['q7z', 'q7z/w3k', 'q7z/w3k/v9/x'];

/**
 * Looks for names that would be mirrored again as what they were mirrored to, where primary and secondary are one registry.
 * @returns what would be right, or `undefined` if the mapped names are out of scope
 */
export function findLoop({ path, repositories }: Pick<SitePolicy, 'path' | 'repositories'>): string | undefined {
  const names = [...PROBES, ...repositories.include.flatMap(examples)];
  const looping = names.some((name) => inScope(repositories, name) && inScope(repositories, mapRepository(path, name)));
  if (!looping) return undefined;
  const mapped = mapRepository(path, '**');
  return mapped === '**'
    ? 'this is the primary itself, by host and port: another registry is needed, or a path such as mirror/{repository} whose names repositories.exclude leaves out'
    : `this is the primary itself, by host and port, and would mirror its own mirror without end: add ${JSON.stringify(mapped)} to repositories.exclude`;
}

/** Names that a glob means. */
function examples(glob: string): string[] {
  return PROBES.map((probe) => glob.replaceAll('**', probe).replaceAll('*', 'q7z').replaceAll('?', 'q'));
}

function inScope({ include, exclude }: Patterns, name: string): boolean {
  const matches = (glob: string) => picomatch(glob, { dot: true })(name);
  return include.some(matches) && !exclude.some(matches);
}
