import type { Untagged } from './kinds/kind.ts';
import { refusal, registryCodes } from './refusal.ts';
import type { Session } from './session.ts';
import type { RegistryRequest } from './transport/request.ts';

/**
 * Takes one tag away by the specification's way: a DELETE of the manifest by the tag's name.
 * @returns `refused`: the registry does not delete (405); `unsupported`: it knows no deletion by name
 * @throws {RegistryError} DENIED, INVALID, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags
 */
export async function untagByName(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged> {
  const request: RegistryRequest = {
    method: 'DELETE',
    repository,
    path: `manifests/${tag}`,
    scope: 'delete',
    signal,
    accept: [200, 202, 204, 400, 404, 405],
  };
  const { status, bytes } = await session.send(request);
  if (status < 300) return 'deleted';
  if (status === 405) return 'refused';
  const text = new TextDecoder().decode(bytes);
  const codes = registryCodes(text);
  if (status === 404 && codes.some((code) => ABSENT.has(code))) return 'absent';
  // A 404 of the router: there is no such thing as deleting by tag.
  if (status === 404 || codes.some((code) => CANNOT_UNTAG.has(code))) return 'unsupported';
  throw refusal(session, request, { status, text });
}

const ABSENT: ReadonlySet<string> = new Set(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND', 'TAG_UNKNOWN']);

/** Distribution 2 takes the tag for a digest. */
const CANNOT_UNTAG: ReadonlySet<string> = new Set(['DIGEST_INVALID', 'UNSUPPORTED']);
