import type { Digest } from '../model/digest.ts';
import { ownApi } from './kinds/own-apis.ts';
import type { Session } from './session.ts';

/**
 * Lists the manifests of a repository that no tag names, where the registry's own API can; `/v2/` cannot.
 * @returns `undefined` where nothing can be known
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function listUntagged(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined> {
  return ownApi(session).listUntagged?.(session, repository, signal);
}
