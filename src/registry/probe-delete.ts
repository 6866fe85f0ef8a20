import { randomBytes } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import { ownApi } from './kinds/own-apis.ts';
import { registryCodes } from './refusal.ts';
import type { Session } from './session.ts';

/**
 * Finds out whether manifests of a repository may be deleted by digest, by asking for one that has never been.
 * @returns `refused`: the registry does not delete (405); `unknown`: it answered what says neither
 * @throws {RegistryError} DENIED (no right to delete), UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-manifests
 */
export async function probeDelete(session: Session, repository: string, signal?: AbortSignal): Promise<'allowed' | 'refused' | 'unknown'> {
  const never: Digest = `sha256:${randomBytes(32).toString('hex')}`;
  if ((await ownApi(session).deleteManifest?.(session, repository, never, signal)) !== undefined) return 'allowed';
  const { status, bytes } = await session.send({
    method: 'DELETE',
    repository,
    path: `manifests/${never}`,
    scope: 'delete',
    signal,
    accept: [200, 202, 204, 400, 404, 405],
  });
  if (status < 300) return 'allowed';
  if (status === 405) return 'refused';
  // A 404 of the router says that there is no such request here, not that there is no such manifest.
  return status === 404 && registryCodes(new TextDecoder().decode(bytes)).length > 0 ? 'allowed' : 'unknown';
}
