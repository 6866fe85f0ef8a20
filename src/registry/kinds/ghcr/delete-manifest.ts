import type { Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { githubRequest, hasToken, ownerPath, packageOf } from './github.ts';
import { versionPages, versionsPath } from './versions.ts';

/**
 * Deletes a manifest as a version of its package, with every tag on it.
 * @returns `undefined` without a token: `/v2/` deletes nothing
 * @throws {RegistryError} DENIED (the token lacks `delete:packages`), INVALID (GitHub keeps it: the last version, or one that is pulled a lot), …
 * @see https://docs.github.com/rest/packages/packages#delete-package-version-for-an-organization
 */
export async function deleteManifest(
  session: Session,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<'deleted' | 'absent' | undefined> {
  if (!hasToken(session)) return undefined;
  const { owner, name } = packageOf(repository);
  for await (const versions of versionPages(session, repository, signal)) {
    const version = versions.find((one) => one.digest === digest);
    if (!version) continue;
    const path = `${ownerPath(session, owner)}/${versionsPath(name)}/${version.id}`;
    const { status } = await session.call({ ...githubRequest(session, { method: 'DELETE', path, signal }), accept: [204, 404] });
    return status === 404 ? 'absent' : 'deleted';
  }
  return 'absent';
}
