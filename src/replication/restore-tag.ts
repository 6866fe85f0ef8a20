import type { Digest } from '../model/digest.ts';
import { TwinportError, type FailureCode } from '../model/failure.ts';
import type { RestoreTagResult } from '../model/guard-steps.ts';
import type { Manifest } from '../model/manifest.ts';
import { undoneTag } from '../model/reference.ts';
import { count, shortDigest } from '../model/text.ts';
import type { UndoOrder } from '../model/undo-order.ts';
import { headManifest, putManifest } from '../registry/manifests.ts';
import { readPlaceholder } from '../registry/placeholder.ts';
import { manifestOf } from './closure.ts';
import { putAndRead } from './ensure-manifest.ts';
import { enumerateLayers } from './enumerate-layers.ts';
import { heldAt, keepLost, type Held } from './held-tag.ts';
import { createManifestCache } from './manifest-cache.ts';
import type { Route } from './site.ts';

/** As for any tag: see `putTag`. A worker that stood still must not set back what has gone on since. */
const FRESH_MS = 5_000;
const CACHE_BYTES = 64 * 1024 * 1024;
/** What says that content is not there, or not as it should be: sending it again may help. */
const LACKING: ReadonlySet<FailureCode> = new Set(['NOT_FOUND', 'DIGEST_MISMATCH', 'SIZE_MISMATCH']);

/**
 * Sets a tag of the secondary back to a digest, from what the secondary itself still holds: all of it is proved to be there first. A tag beside it says so,
 * so that no push moves it by itself; what it lost is kept.
 * @returns `lacking`, `changed`: nothing was changed
 * @throws {RegistryError} DENIED, UNREACHABLE, LATE, …
 */
export async function restoreTag(route: Route, order: UndoOrder): Promise<Omit<RestoreTagResult, 'look'>> {
  const { site, target, signal } = route;
  const { tag, digest } = order;
  const found = await contentHere(route, digest);
  if (typeof found === 'string') return { result: 'lacking', reason: found, summary: `the secondary cannot set ${tag} back: ${found}` };
  const before = standing(await heldAt(route, tag));
  if (before && before.digest !== digest && before.digest !== order.replaces) {
    const reason = `the secondary's tag stands for ${before.digest}, and not for ${order.replaces ?? 'nothing'} as the ledger knows it: somebody else has moved it`;
    return { result: 'changed', reason, summary: `${tag} is left as it is: ${reason}` };
  }
  await putManifest(site.secondary, target, undoneTag(tag), found, signal);
  const summary = `${tag} is ${shortDigest(digest)} again`;
  if (before?.digest === digest) return { result: 'restored', summary };
  const { unkept } = before ? await keepLost(route, before) : {};
  const sendBy = performance.now() + FRESH_MS;
  const now = standing(await heldAt(route, tag));
  if (now?.digest !== before?.digest) throw new TwinportError('LATE', `${route.repository}:${tag} moved at the secondary in this moment`);
  await putAndRead(route, tag, found, sendBy);
  return {
    ...{ result: 'restored', summary: unkept === undefined ? summary : `${summary}; what it lost could not be kept (${unkept})` },
    ...(before ? { previous: before.digest } : {}),
    ...(unkept === undefined ? {} : { reason: `what it stood for could not be kept (${unkept})` }),
  };
}

/** What an interrupted deletion left in a tag's place is nobody's. */
function standing(held: Held | undefined): Held | undefined {
  return held?.manifest && readPlaceholder(held.manifest) ? undefined : held;
}

/** The manifest, if the secondary gives back all that it needs; else what it lacks. */
async function contentHere(route: Route, digest: Digest): Promise<Manifest | string> {
  const { site, target, signal } = route;
  // Read as if the secondary were the source too, and nothing of it known.
  const here: Route = {
    ...route,
    repository: target,
    site: { ...site, primary: site.secondary, manifests: createManifestCache(CACHE_BYTES) },
  };
  const { lacking, failures } = await enumerateLayers(here, [{ digest }], 'shallow');
  if (lacking.length > 0) return `it lacks ${count(lacking.length, 'blob')} of ${digest}`;
  const failure = failures[0]?.failure;
  if (!failure) return manifestOf(here, digest);
  if (!LACKING.has(failure.code)) throw new TwinportError(failure.code, failure.message, failure);
  return (await headManifest(site.secondary, target, digest, signal)) ? `it lacks a manifest of ${digest}` : `it has no manifest ${digest}`;
}
