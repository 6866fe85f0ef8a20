import type { Digest } from '../model/digest.ts';
import { failureOf, isTwinportError, TwinportError } from '../model/failure.ts';
import type { Manifest } from '../model/manifest.ts';
import type { BlobFailure, PublishedImage, PublishManifestsInput, TaggedImage } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { isRegistryError } from '../registry/errors.ts';
import { manifestDigest, sameManifest } from '../registry/manifest-digest.ts';
import { headManifest } from '../registry/manifests.ts';
import { readPlaceholder } from '../registry/placeholder.ts';
import { ensureRepository } from '../registry/repositories.ts';
import { manifestOf, readClosure, type Closure } from './closure.ts';
import { concurrently } from './concurrently.ts';
import { manifestNotKept } from './difference.ts';
import { ensureManifest } from './ensure-manifest.ts';
import { heldAt, isSetBack, keepLost, type Held } from './held-tag.ts';
import { ensureListed, publishFallbackIndexes, subjectsBeyond } from './publish-referrers.ts';
import { putTag } from './put-tag.ts';
import type { Route } from './site.ts';
import { referrersIn } from './told-referrers.ts';

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
  overwrite?: PublishManifestsInput['overwrite'],
): Promise<{ summary: string; images: PublishedImage[] }> {
  const batch: Batch = {
    route,
    overwrite,
    failedBlobs: new Map(failedBlobs.map((failed) => [failed.digest, failed])),
    read: new Map(),
    put: new Set(),
  };
  const published = await concurrently(images, IMAGES_AT_ONCE, async (image): Promise<PublishedImage> => {
    try {
      await ensureRepository(route.site.secondary, route.target, route.signal);
      return await publishImage(batch, image);
    } catch (thrown) {
      route.signal?.throwIfAborted();
      const failure = failureOf(thrown);
      const state = failure.code === 'BLOB_UNKNOWN' && !batch.failedBlobs.size ? 'incomplete' : 'failed';
      return {
        ...image,
        state,
        changed: false,
        bytes: 0,
        failure,
        ...(image.tag !== undefined && batch.put.has(image.tag) ? { put: true } : {}),
      };
    }
  });
  return { summary: summarize(published), images: published };
}

interface Batch {
  readonly route: Route;
  readonly overwrite: PublishManifestsInput['overwrite'];
  readonly failedBlobs: ReadonlyMap<Digest, BlobFailure>;
  /** Manifests read back in this activity; several tags may share them. */
  readonly read: Map<Digest, Promise<boolean>>;
  /** Tags that were put, unless the secondary said that it does not take them. */
  readonly put: Set<string>;
}

async function publishImage(batch: Batch, image: TaggedImage): Promise<PublishedImage> {
  const { route } = batch;
  const closure = await readClosure(route, await manifestOf(route, image.digest));
  const failed = closure.blobs.map((blob) => batch.failedBlobs.get(blob.digest)).find((blob) => blob !== undefined);
  if (failed)
    throw new TwinportError(failed.failure.code, `blob ${failed.digest}: ${failed.failure.message}`, {
      retry: failed.failure.retry,
      difference: failed.failure.difference,
    });
  let changed = await publishInner(batch, closure);
  changed = (await publishFallbackIndexes(route, closure, closure.referrers.keys())) || changed;
  const root =
    image.tag === undefined
      ? { state: 'verified' as const, changed: await ensure(batch, closure.root) }
      : await publishTag(batch, image.tag, closure.root);
  if (root.state === 'verified') {
    changed = (await publishFallbackIndexes(route, closure, subjectsBeyond(route, closure))) || changed;
    await ensureListed(route, closure);
  }
  const told = root.state === 'verified' ? { referrers: referrersIn(closure, image.tag) } : {};
  return { ...image, ...root, ...told, changed: root.changed || changed, bytes: closure.bytes };
}

/** Level by level would be faster for deep nesting, but what points must wait for what it points at: the closure's order says who may go. */
async function publishInner(batch: Batch, closure: Closure): Promise<boolean> {
  let changed = false;
  const leaves = closure.inner.filter(({ digest }) => !closure.parents.has(digest));
  const parents = closure.inner.filter(({ digest }) => closure.parents.has(digest));
  await concurrently(leaves, MANIFESTS_AT_ONCE, async (manifest) => {
    if (await ensure(batch, manifest)) changed = true;
  });
  for (const manifest of parents) if (await ensure(batch, manifest)) changed = true;
  return changed;
}

/** Makes sure of one manifest by digest, reading it back. @returns whether it had to be put */
function ensure(batch: Batch, manifest: Manifest): Promise<boolean> {
  const begun = batch.read.get(manifest.digest);
  if (begun) return begun;
  const ensuring = ensureManifest(batch.route, manifest.digest, manifest);
  batch.read.set(manifest.digest, ensuring);
  return ensuring;
}

async function publishTag(
  batch: Batch,
  tag: string,
  root: Manifest,
): Promise<Pick<PublishedImage, 'state' | 'changed' | 'previous' | 'unkept' | 'put'>> {
  const { route, overwrite } = batch;
  const { site, repository, signal } = route;
  const before = await heldAt(route, tag);
  const held = before?.manifest;
  const put = held === undefined || manifestDigest(held) !== manifestDigest(root);
  if (put && before && overwrite !== undefined && !(await mayReplace(route, tag, overwrite, before)))
    return { state: 'doubtful', changed: false };
  // What a scan saw a while ago may be replaced by now: then nothing is lost that were to be kept.
  if (put && before && route.keeps && overwrite === undefined) {
    const now = await headManifest(site.primary, repository, tag, signal);
    if (now?.digest !== root.digest) return { state: now ? 'moved' : 'gone', changed: false };
  }
  // Before the primary is asked for the last time, which must be just before the tag is put.
  const unkept = put && before ? await keepLost(route, before) : {};
  if (put) {
    const became = await putTag(route, tag, root).catch((thrown: unknown) => {
      if (!isRefused(thrown)) batch.put.add(tag);
      throw thrown;
    });
    if (became !== 'put') return { state: became, changed: false };
    batch.put.add(tag);
  } else if (!sameManifest(held, root)) throw await manifestNotKept(route, tag, root);
  // Of a deletion that was interrupted, what counts is what was there before it.
  const previous = put && before ? { previous: (held && readPlaceholder(held)?.was) ?? before.digest, ...unkept } : {};
  const after = await headManifest(site.primary, repository, tag, signal);
  if (after?.digest !== root.digest) return { state: after ? 'moved' : 'gone', changed: put, put: true, ...previous };
  return { state: 'verified', changed: put, ...previous };
}

/** Whether the secondary itself said that it did not take what was put: then nothing of it can be there. */
function isRefused(thrown: unknown): boolean {
  const error = isRegistryError(thrown) ? thrown : isTwinportError(thrown) && isRegistryError(thrown.cause) ? thrown.cause : undefined;
  return error?.side === 'secondary' && error.method === 'PUT' && error.status !== undefined && error.status < 500;
}

/**
 * After any push the primary still holds what its tag stood for before, until it collects garbage. One that does not may be another registry, or have been
 * set back: only a scan, which samples more, may follow it then. Nor does a push move a tag that a person has set back: a scan asks the ledger whether it may.
 */
async function mayReplace(route: Route, tag: string, overwrite: 'proven' | 'never', { digest, manifest }: Held): Promise<boolean> {
  if (manifest && readPlaceholder(manifest)) return true;
  if (overwrite === 'never') return false;
  const { site, repository, signal } = route;
  const [atPrimary, setBack] = await Promise.all([headManifest(site.primary, repository, digest, signal), isSetBack(route, tag, digest)]);
  return atPrimary !== undefined && !setBack;
}

function summarize(images: readonly PublishedImage[]): string {
  const by = (state: PublishedImage['state']): number => images.filter((image) => image.state === state).length;
  const parts = [`${count(by('verified'), 'image')} verified, ${images.filter((image) => image.changed).length} of them changed`];
  for (const state of ['moved', 'gone', 'incomplete', 'doubtful', 'failed'] as const)
    if (by(state) > 0) parts.push(`${by(state)} ${state}`);
  const unkept = images.filter((image) => image.unkept !== undefined);
  if (unkept[0]) parts.push(`${unkept.length} replaced what could not be kept (${unkept[0].unkept})`);
  return parts.join('; ');
}
