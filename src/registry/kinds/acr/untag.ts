import { registryCodes } from '../../refusal.ts';
import type { Session } from '../../session.ts';
import type { Untagged } from '../kind.ts';

/**
 * Takes one tag away; its manifest stays, also without a tag.
 * @returns `undefined` where this is no ACR; `refused`: the tag or the repository is locked
 * @throws {RegistryError} DENIED (no right to delete), UNREACHABLE, …
 * @see https://learn.microsoft.com/rest/api/containerregistry/tag/delete
 */
export async function untag(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged | undefined> {
  const { status, bytes } = await session.send({
    method: 'DELETE',
    repository,
    path: `_tags/${tag}`,
    url: `/acr/v1/${repository}/_tags/${tag}`,
    scope: 'delete',
    signal,
    accept: [200, 202, 204, 404, 405],
  });
  if (status === 405) return 'refused';
  if (status !== 404) return 'deleted';
  return registryCodes(new TextDecoder().decode(bytes)).length > 0 ? 'absent' : undefined;
}
