import type { Digest } from '../model/digest.ts';
import { isTwinportError, type FailureCode } from '../model/failure.ts';
import { listTagDigests } from '../registry/tags.ts';
import type { Route } from './site.ts';

/** What the secondary lists of a repository; `undefined` where its list cannot be had, and each tag must be asked for. */
export type SecondaryTags = ReadonlyMap<string, Digest | undefined> | undefined;

/** No such request there, or an answer that is no list or not all of it. */
const NO_LIST: ReadonlySet<FailureCode> = new Set(['NOT_FOUND', 'UNSUPPORTED', 'LISTING', 'PROTOCOL']);

/**
 * Lists the secondary's tags. Its list only saves questions and finds tags that are not ours: without it a comparison asks for each of the primary's
 * tags, and what only the secondary holds is not known.
 * @returns empty where the secondary has no such repository
 * @throws {RegistryError} DENIED, UNREACHABLE, …: nothing is known then
 */
export async function secondaryTags(route: Route): Promise<SecondaryTags> {
  const { site, target, signal } = route;
  try {
    const listed = await listTagDigests(site.secondary, target, signal);
    if (!listed) site.homes.unknown(target);
    return listed ?? new Map();
  } catch (thrown) {
    if (isTwinportError(thrown) && NO_LIST.has(thrown.code)) return undefined;
    throw thrown;
  }
}
