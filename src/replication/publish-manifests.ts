import { createHash } from 'node:crypto';
import type { Digest } from '../model/digest.ts';
import { failureOf, TwinportError } from '../model/failure.ts';
import { parseBody, type Manifest } from '../model/manifest.ts';
import { OCI_INDEX } from '../model/media-types.ts';
import { fallbackTag } from '../model/reference.ts';
import type { BlobFailure, PublishedImage, TaggedImage } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { getManifest, headManifest, putManifest } from '../registry/manifests.ts';
import { readPlaceholder } from '../registry/placeholder.ts';
import { listReferrers } from '../registry/referrers.ts';
import { ensureRepository } from '../registry/repositories.ts';
import { manifestOf, readClosure, type Closure } from './closure.ts';
import { concurrently } from './concurrently.ts';
import type { Route } from './site.ts';

const IMAGES_AT_ONCE = 8;
const MANIFESTS_AT_ONCE = 8;

/**
 * Puts what the secondary lacks, content first and names last: children, indexes, referrers, then the tag; and reads all of it back, the tag on
 * both sides. A tag that moved at the primary meanwhile is said to have moved, never called verified.
 */
export async function publishManifests(
  route: Route,
  images: readonly TaggedImage[],
  failedBlobs: readonly BlobFailure[],
): Promise<{ summary: string; images: PublishedImage[] }> {
  const batch: Batch = { route, failedBlobs: new Map(failedBlobs.map((failed) => [failed.digest, failed])), read: new Map() };
  const published = await concurrently(images, IMAGES_AT_ONCE, async (image): Promise<PublishedImage> => {
    try {
      await ensureRepository(route.site.secondary, route.target, route.signal);
      return await publishImage(batch, image);
    } catch (thrown) {
      route.signal?.throwIfAborted();
      const failure = failureOf(thrown);
      const state = failure.code === 'BLOB_UNKNOWN' && !batch.failedBlobs.size ? 'incomplete' : 'failed';
      return { ...image, state, changed: false, bytes: 0, failure };
    }
  });
  return { summary: summarize(published), images: published };
}

interface Batch {
  readonly route: Route;
  readonly failedBlobs: ReadonlyMap<Digest, BlobFailure>;
  /** Manifests read back in this activity; several tags may share them. */
  readonly read: Map<Digest, Promise<boolean>>;
}

async function publishImage(batch: Batch, image: TaggedImage): Promise<PublishedImage> {
  const { route } = batch;
  const closure = await readClosure(route, await manifestOf(route, image.digest));
  const failed = closure.blobs.map((blob) => batch.failedBlobs.get(blob.digest)).find((blob) => blob !== undefined);
  if (failed)
    throw new TwinportError(failed.failure.code, `blob ${failed.digest}: ${failed.failure.message}`, { retry: failed.failure.retry });
  let changed = await publishInner(batch, closure);
  changed = (await publishFallbackIndexes(batch, closure)) || changed;
  const { bytes } = closure;
  if (image.tag === undefined) {
    changed = (await ensure(batch, closure.root)) || changed;
    return { ...image, state: 'verified', changed, bytes };
  }
  const tag = await publishTag(route, image.tag, closure.root);
  return { ...image, ...tag, changed: tag.changed || changed, bytes };
}

/** Level by level would be faster for deep nesting, but what points must wait for what it points at: the closure's order says who may go. */
async function publishInner(batch: Batch, closure: Closure): Promise<boolean> {
  let changed = false;
  const leaves = closure.inner.filter((manifest) => !pointsAtManifests(manifest));
  const parents = closure.inner.filter(pointsAtManifests);
  await concurrently(leaves, MANIFESTS_AT_ONCE, async (manifest) => {
    if (await ensure(batch, manifest)) changed = true;
  });
  for (const manifest of parents) if (await ensure(batch, manifest)) changed = true;
  return changed;
}

function pointsAtManifests(manifest: Manifest): boolean {
  return manifest.mediaType.includes('index') || manifest.mediaType.includes('manifest.list');
}

/** Makes sure of one manifest by digest, reading it back. @returns whether it had to be put */
function ensure(batch: Batch, manifest: Manifest): Promise<boolean> {
  const begun = batch.read.get(manifest.digest);
  if (begun) return begun;
  const ensuring = (async () => {
    const { site, target, signal } = batch.route;
    if (await same(batch.route, manifest.digest, manifest)) return false;
    await putManifest(site.secondary, target, manifest.digest, manifest, signal);
    if (!(await same(batch.route, manifest.digest, manifest))) throw notKept(batch.route, manifest.digest, manifest);
    return true;
  })();
  batch.read.set(manifest.digest, ensuring);
  return ensuring;
}

async function publishTag(
  route: Route,
  tag: string,
  root: Manifest,
): Promise<Pick<PublishedImage, 'state' | 'changed'> & { previous?: Digest }> {
  const { site, repository, target, signal } = route;
  const before = await getManifest(site.secondary, target, tag, signal);
  const put = before?.digest !== root.digest;
  if (put) {
    const now = await headManifest(site.primary, repository, tag, signal);
    if (now?.digest !== root.digest) return { state: now ? 'moved' : 'gone', changed: false };
    await putManifest(site.secondary, target, tag, root, signal);
    if (!(await same(route, tag, root))) throw notKept(route, tag, root);
  } else if (before.mediaType !== root.mediaType) throw notKept(route, tag, root);
  // Of a deletion that was interrupted, what counts is what was there before it.
  const previous = put && before ? { previous: readPlaceholder(before)?.was ?? before.digest } : {};
  const after = await headManifest(site.primary, repository, tag, signal);
  if (after?.digest !== root.digest) return { state: after ? 'moved' : 'gone', changed: put, ...previous };
  return { state: 'verified', changed: put, ...previous };
}

/** Reads a manifest at the secondary and compares bytes and type. */
async function same(route: Route, reference: string, manifest: Manifest): Promise<boolean> {
  const held = await getManifest(route.site.secondary, route.target, reference, route.signal);
  return held?.digest === manifest.digest && held.mediaType === manifest.mediaType;
}

function notKept(route: Route, reference: string, manifest: Manifest): TwinportError {
  return new TwinportError(
    'DIGEST_MISMATCH',
    `the secondary does not give back ${route.target} ${reference} as it was put: ${manifest.digest} of type ${manifest.mediaType}`,
  );
}

/**
 * Where the primary lists referrers by API and the secondary has none, their list lies under the fallback tag, rebuilt whole from the primary's.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
async function publishFallbackIndexes(batch: Batch, closure: Closure): Promise<boolean> {
  const { site, repository, target, signal } = batch.route;
  const manifests = new Map([closure.root, ...closure.inner].map((manifest) => [manifest.digest, manifest]));
  let changed = false;
  for (const [subject, referrers] of closure.referrers) {
    if ((await listReferrers(site.secondary, target, subject, signal)) !== undefined) continue;
    // A tag of the primary's own is replicated as any other, and not overwritten.
    if (await headManifest(site.primary, repository, fallbackTag(subject), signal)) continue;
    const index = fallbackIndex(referrers.flatMap((referrer) => manifests.get(referrer.digest) ?? []));
    const tag = fallbackTag(subject);
    if (await same(batch.route, tag, index)) continue;
    await putManifest(site.secondary, target, tag, index, signal);
    if (!(await same(batch.route, tag, index))) throw notKept(batch.route, tag, index);
    changed = true;
  }
  return changed;
}

/** The index that a client would have kept under the fallback tag: with the types and annotations by which clients choose. */
export function fallbackIndex(referrers: readonly Manifest[]): Manifest {
  const manifests = referrers.map(referrerEntry);
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  return { mediaType: OCI_INDEX, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length, bytes };
}

/** `artifactType` is the manifest's own, else its config's type. */
function referrerEntry(manifest: Manifest): Record<string, unknown> {
  const { mediaType, digest, size } = manifest;
  const body = parseBody(manifest);
  const config = body['config'] as { mediaType?: unknown } | null | undefined;
  const artifactType = body['artifactType'] || config?.mediaType;
  const { annotations } = body;
  return { mediaType, digest, size, ...(artifactType ? { artifactType } : {}), ...(annotations ? { annotations } : {}) };
}

function summarize(images: readonly PublishedImage[]): string {
  const by = (state: PublishedImage['state']): number => images.filter((image) => image.state === state).length;
  const parts = [`${count(by('verified'), 'image')} verified, ${images.filter((image) => image.changed).length} of them changed`];
  for (const state of ['moved', 'gone', 'incomplete', 'failed'] as const) if (by(state) > 0) parts.push(`${by(state)} ${state}`);
  return parts.join('; ');
}
