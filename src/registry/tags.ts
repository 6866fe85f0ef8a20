import type { Digest } from '../model/digest.ts';
import { isRegistryError } from './errors.ts';
import type { Untagged } from './kinds/kind.ts';
import { ownApi } from './kinds/own-apis.ts';
import { requireCarriable } from './listed-names.ts';
import { listAll } from './paging.ts';
import type { Session } from './session.ts';
import { untagByName } from './untag-by-name.ts';

/** So many tags are asked for by HEAD as cheaply as their registry's own API is. */
const FEW = 3;

/**
 * Lists all tags of a repository, over all pages.
 * @returns the tags, each once, in code point order; `undefined` if the registry does not know the repository
 * @throws {RegistryError} LISTING (truncated, looping, or not a list), DENIED, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function listTags(session: Session, repository: string, signal?: AbortSignal): Promise<string[] | undefined> {
  const tags = await listAll(session, { repository, path: 'tags/list', field: 'tags', scope: 'pull', signal });
  if (tags) requireCarriable(session, 'tags/list', tags, repository);
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
  const api = ownApi(session);
  const own = await api.listTagDigests?.(session, repository, signal);
  if (own) requireCarriable(session, 'tags/list', own.keys(), repository);
  if (own) return new Map([...own].sort(([a], [b]) => byCodePoint(a, b)));
  const tags = await listTags(session, repository, signal);
  if (!tags) return undefined;
  const known = tags.length > FEW ? await shortCut(session, repository, tags, signal) : undefined;
  return new Map(tags.map((tag) => [tag, known?.get(tag)]));
}

/** What spares requests may not cost the list: where the API is away, limited or closed, a HEAD asks for each tag. */
async function shortCut(
  session: Session,
  repository: string,
  tags: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  try {
    return await ownApi(session).knownDigests?.(session, repository, new Set(tags), signal);
  } catch (thrown) {
    if (isRegistryError(thrown) && AWAY.has(thrown.code)) return undefined;
    throw thrown;
  }
}

const AWAY: ReadonlySet<string> = new Set(['UNREACHABLE', 'STALLED', 'UNAVAILABLE', 'RATE_LIMITED', 'DENIED']);

/**
 * Takes one tag away, and nothing else.
 * @returns `refused`: the registry does not delete (405); `unsupported`: it cannot take away one tag alone
 * @throws {RegistryError} DENIED, INVALID, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags
 */
export async function deleteTag(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged> {
  const own = await ownApi(session).untag?.(session, repository, tag, signal);
  const answer = own ?? (await untagByName(session, repository, tag, signal));
  if (answer === 'deleted') session.capabilities.deleteTag = true;
  if (answer === 'unsupported') session.capabilities.deleteTag = false;
  return answer;
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
