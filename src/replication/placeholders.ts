import type { Digest } from '../model/digest.ts';
import { isTwinportError, type TwinportError } from '../model/failure.ts';
import type { Manifest } from '../model/manifest.ts';
import { deleteManifest, getManifest, headManifest, putManifest } from '../registry/manifests.ts';
import { EMPTY, EMPTY_DESCRIPTOR, maybePlaceholder, placeholderFor, readPlaceholder, type Placeholder } from '../registry/placeholder.ts';
import { probeDelete } from '../registry/probe-delete.ts';
import { postBlob, putBlob } from '../registry/uploads.ts';
import { concurrently } from './concurrently.ts';
import { holdsBlob } from './holds-blob.ts';
import type { Route } from './site.ts';
import { changed, REFUSED, type Untagged } from './untagged.ts';

const READS_AT_ONCE = 32;

/**
 * Untags where a registry deletes by digest only: a manifest of our own takes the tag's place and is then deleted, so that what the tag stood for
 * stays for whoever else uses it. What is begun and not ended is found by `placeholderAt`, and ended by `removePlaceholder`.
 * @param digest what the tag stands for
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function untagByPlaceholder(route: Route, tag: string, digest: Digest): Promise<Untagged> {
  const { site, target, signal } = route;
  const may = await probeDelete(site.secondary, target, signal);
  if (may === 'refused') return REFUSED;
  if (may === 'unknown') return held('the registry does not say whether it deletes by digest');
  const before = await getManifest(site.secondary, target, digest, signal);
  if (!before) return held(`the registry does not give ${digest} back, which it would have to keep`);
  const placeholder = placeholderFor({ tag, was: digest });
  try {
    await putEmptyBlob(route);
    await putManifest(site.secondary, target, tag, placeholder, signal);
  } catch (thrown) {
    if (!isTwinportError(thrown) || !REFUSALS.has(thrown.code)) throw thrown;
    return held(`it does not take the placeholder: ${thrown.message}`);
  }
  return removePlaceholder(route, tag, placeholder.digest, before);
}

const REFUSALS: ReadonlySet<string> = new Set(['INVALID', 'UNSUPPORTED', 'BLOB_UNKNOWN', 'TOO_LARGE']);

/** What was begun under a tag of the secondary and not ended, with the placeholder's digest; `undefined` of any other tag. */
export async function placeholderAt(route: Route, tag: string): Promise<(Placeholder & { readonly digest: Digest }) | undefined> {
  const { site, target, signal } = route;
  const head = await headManifest(site.secondary, target, tag, signal);
  if (!head || !maybePlaceholder(head)) return undefined;
  const manifest = await getManifest(site.secondary, target, head.digest, signal);
  const found = manifest && readPlaceholder(manifest);
  return found?.tag === tag ? { ...found, digest: head.digest } : undefined;
}

/** Those of the secondary's tags that are placeholders. */
export async function placeholdersAmong(route: Route, tags: readonly string[]): Promise<string[]> {
  // Who deletes by name needs none.
  if (route.site.secondary.capabilities.deleteTag === true) return [];
  const found = await concurrently(tags, READS_AT_ONCE, async (tag) => ((await placeholderAt(route, tag)) ? tag : undefined));
  return found.filter((tag) => tag !== undefined);
}

/**
 * Deletes a placeholder, and with it the tag; where the registry keeps it, the tag gets back what it stood for.
 * @param before what the tag stood for; `undefined`: whatever the placeholder says
 */
export async function removePlaceholder(route: Route, tag: string, digest: Digest, before?: Manifest): Promise<Untagged> {
  const { site, target, signal } = route;
  const deleted = await deleteManifest(site.secondary, target, digest, signal).catch(lasting);
  const now = await headManifest(site.secondary, target, tag, signal);
  if (!now) return { result: 'deleted' };
  if (now.digest !== digest) return changed(now.digest);
  if (before) await putManifest(site.secondary, target, tag, before, signal);
  if (typeof deleted !== 'string') throw deleted;
  return deleted === 'refused' ? REFUSED : held('the registry answers that it deleted the placeholder, and still serves it');
}

/** Of a failure that passes, the next attempt goes on; any other would leave the placeholder where it is. */
function lasting(thrown: unknown): TwinportError {
  if (!isTwinportError(thrown) || thrown.retry === 'now' || thrown.code === 'CANCELLED') throw thrown;
  return thrown;
}

/** A manifest must point at content that is there. */
async function putEmptyBlob(route: Route): Promise<void> {
  const { site, target, signal } = route;
  if (await holdsBlob(route, EMPTY_DESCRIPTOR, 'shallow')) return;
  const posted = await postBlob(site.secondary, target, EMPTY_DESCRIPTOR, EMPTY, signal);
  if (posted !== 'done') await putBlob(site.secondary, posted, target, EMPTY_DESCRIPTOR, EMPTY, signal);
}

function held(why: string): Untagged {
  return { result: 'held', reason: `cannot untag: this registry deletes by digest only, and ${why}` };
}

/**
 * Ends what interrupted deletions of these tags began.
 * @returns what could not be ended, in words
 * @throws {RegistryError} UNREACHABLE, UNAVAILABLE, …: what another attempt may mend
 */
export async function finishPlaceholders(route: Route, tags: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const tag of tags) {
    try {
      const found = await placeholderAt(route, tag);
      const { result, reason } = found ? await removePlaceholder(route, tag, found.digest) : { result: 'absent', reason: '' };
      if (result === 'held') left.push(`${tag}: ${reason}`);
    } catch (thrown) {
      if (!isTwinportError(thrown) || thrown.retry === 'now' || thrown.code === 'CANCELLED') throw thrown;
      left.push(`${tag}: ${thrown.message}`);
    }
  }
  return left;
}
