import type { Session } from '../../session.ts';
import { basicAuthorization } from '../api-authorization.ts';
import type { Untagged } from '../kind.ts';
import { artifactsPath } from './names.ts';

/**
 * Takes one tag away by Harbor's API: `/v2/` deletes by digest only.
 * @returns `undefined` where the API does not take these credentials
 * @throws {RegistryError} DENIED (no right to delete tags), INVALID (a tag that is immutable), UNREACHABLE, …
 */
export async function untag(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged | undefined> {
  const { status } = await session.call({
    method: 'DELETE',
    path: `${artifactsPath(repository)}/${tag}/tags/${tag}`,
    authorization: basicAuthorization(session),
    signal,
    accept: [200, 401, 404],
  });
  if (status === 401) return undefined;
  return status === 404 ? 'absent' : 'deleted';
}
