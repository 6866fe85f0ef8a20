import type { Digest } from '../model/digest.ts';
import type { Untagged } from './kinds/kind.ts';
import { ownApi } from './kinds/own-apis.ts';
import { listAll } from './paging.ts';
import { refusal, registryCodes } from './refusal.ts';
import type { Session } from './session.ts';
import type { RegistryRequest } from './transport/request.ts';

/**
 * Lists all tags of a repository, over all pages.
 * @returns the tags, each once, in code point order; `undefined` if the registry does not know the repository
 * @throws {RegistryError} LISTING (truncated, looping, or not a list), DENIED, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function listTags(session: Session, repository: string, signal?: AbortSignal): Promise<string[] | undefined> {
  const tags = await listAll(session, { repository, path: 'tags/list', field: 'tags', scope: 'pull', signal });
  return tags && [...tags].sort(byCodePoint);
}

/**
 * Lists all tags of a repository with their digests, where the registry's own API tells them in few requests; else without.
 * @returns by tag, in code point order; a digest is `undefined` where a HEAD must ask for it; `undefined` if the registry does not know the repository
 * @throws {RegistryError} as `listTags`
 */
export async function listTagDigests(
  session: Session,
  repository: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest | undefined> | undefined> {
  const own = await ownApi(session).listTagDigests?.(session, repository, signal);
  if (own) return new Map([...own].sort(([a], [b]) => byCodePoint(a, b)));
  const tags = await listTags(session, repository, signal);
  return tags && new Map(tags.map((tag) => [tag, undefined]));
}

/**
 * Takes one tag away, and nothing else.
 * @returns `refused`: the registry does not delete (405); `unsupported`: it cannot take away one tag alone
 * @throws {RegistryError} DENIED, INVALID, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags
 */
export async function deleteTag(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged> {
  const own = await ownApi(session).untag?.(session, repository, tag, signal);
  if (own !== undefined) return own;
  const request: RegistryRequest = {
    method: 'DELETE',
    repository,
    path: `manifests/${tag}`,
    scope: 'delete',
    signal,
    accept: [200, 202, 204, 400, 404, 405],
  };
  const { status, bytes } = await session.send(request);
  if (status < 300) {
    session.capabilities.deleteTag = true;
    return 'deleted';
  }
  if (status === 405) return 'refused';
  const text = new TextDecoder().decode(bytes);
  const codes = registryCodes(text);
  if (status === 404 && codes.some((code) => ABSENT.has(code))) return 'absent';
  // A 404 of the router: there is no such thing as deleting by tag.
  if (status === 404 || codes.some((code) => CANNOT_UNTAG.has(code))) {
    session.capabilities.deleteTag = false;
    return 'unsupported';
  }
  throw refusal(session, request, { status, text });
}

const ABSENT: ReadonlySet<string> = new Set(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND', 'TAG_UNKNOWN']);

/** Distribution 2 takes the tag for a digest. */
const CANNOT_UNTAG: ReadonlySet<string> = new Set(['DIGEST_INVALID', 'UNSUPPORTED']);

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
