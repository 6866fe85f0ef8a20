import type { Digest } from '../model/digest.ts';
import { failureOf, isTwinportError } from '../model/failure.ts';
import type { Manifest } from '../model/manifest.ts';
import { isUndoneTag, keepTag } from '../model/reference.ts';
import { count } from '../model/text.ts';
import { headManifest, putManifest } from '../registry/manifests.ts';
import { pause } from '../registry/transport/pause.ts';
import type { Route } from './site.ts';
import { untag } from './untag.ts';
import { REFUSED } from './untagged.ts';

/** A hiccup is no reason to lose what a tag stood for. */
const ASKED_AGAIN_MS = 300;

/**
 * Keeps what a tag of the secondary is about to lose under a tag of its own, so that the registry's garbage collection leaves it.
 * @param manifest what the tag stands for; `undefined`: nobody could read it
 * @returns why it could not be kept; `undefined` if it is, or is not to be
 */
export async function keep(route: Route, digest: Digest, manifest: Manifest | undefined): Promise<string | undefined> {
  if (!route.keeps) return undefined;
  if (!manifest) return `${digest} cannot be read`;
  try {
    await putKept(route, digest, manifest).catch(async (thrown: unknown) => {
      if (!isTwinportError(thrown) || thrown.retry !== 'now') throw thrown;
      await pause(ASKED_AGAIN_MS, route.signal);
      await putKept(route, digest, manifest);
    });
    return undefined;
  } catch (thrown) {
    route.signal?.throwIfAborted();
    return failureOf(thrown).message;
  }
}

async function putKept({ site, target, signal }: Route, digest: Digest, manifest: Manifest): Promise<void> {
  const tag = keepTag(digest);
  const before = await headManifest(site.secondary, target, tag, signal);
  if (before?.digest !== digest) await putManifest(site.secondary, target, tag, manifest, signal);
}

/**
 * Takes away tags that keep what others lost; the registry may then collect it, if nothing else there uses it.
 * @throws {RegistryError} UNREACHABLE, UNAVAILABLE, …: what another attempt may mend
 */
export async function sweepKept(route: Route, tags: readonly string[]): Promise<{ summary: string; removed: number }> {
  let removed = 0;
  let left: string | undefined;
  for (const tag of tags) {
    const { result, reason } = await sweepOne(route, tag);
    if (result === 'deleted' || result === 'absent') removed += 1;
    else left ??= `${tag}: ${reason}`;
    // So it would say of all others.
    if (reason === REFUSED.reason) break;
  }
  const rest = left === undefined ? '' : `, ${tags.length - removed} left (${left})`;
  return { summary: `${count(removed, 'kept tag')} removed${rest}`, removed };
}

async function sweepOne(route: Route, tag: string): ReturnType<typeof untag> {
  const { site, target, signal } = route;
  try {
    const head = await headManifest(site.secondary, target, tag, signal);
    if (!head) return { result: 'absent' };
    // A name like ours for something else is somebody else's.
    if (!isUndoneTag(tag) && keepTag(head.digest) !== tag) return { result: 'changed', reason: `it stands for ${head.digest}` };
    return await untag(route, tag, head.digest, []);
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.retry === 'now' || failure.code === 'CANCELLED') throw thrown;
    return { result: 'held', reason: failure.message };
  }
}
