import type { Session } from '../../session.ts';
import { untagByName } from '../../untag-by-name.ts';
import type { Untagged } from '../kind.ts';

/**
 * Takes one tag away: as the specification says from GitLab 16.4 on, by a route of its own before.
 * @throws {RegistryError} DENIED, INVALID, UNREACHABLE, …
 */
export async function untag(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged> {
  const answer = await untagByName(session, repository, tag, signal);
  if (answer !== 'unsupported') return answer;
  const { status } = await session.send({
    method: 'DELETE',
    repository,
    path: `tags/reference/${tag}`,
    scope: 'delete',
    signal,
    accept: [200, 202, 204, 404, 405],
  });
  if (status < 300) return 'deleted';
  // Whether the tag or the route is not there, it does not say; the one before has looked for the tag.
  return status === 405 ? 'refused' : 'unsupported';
}
