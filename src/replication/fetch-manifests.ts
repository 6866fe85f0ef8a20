import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../model/digest.ts';
import { failureOf } from '../model/failure.ts';
import { companionTags } from '../model/reference.ts';
import type { FetchedImage, FetchManifestsResult, Look, TagFailure } from '../model/steps.ts';
import { count, formatBytes, shortDigest } from '../model/text.ts';
import { getManifest, headManifest } from '../registry/manifests.ts';
import { manifestOf, readClosure } from './closure.ts';
import { concurrently } from './concurrently.ts';
import type { Route } from './site.ts';

/** After receipt of an event, in milliseconds: a registry raises its event up to 200 ms before it moves the tag. */
const LOOKS_MS = [50, 120, 250, 500, 1_000];
const IMAGES_AT_ONCE = 8;
const COMPANION = /^sha(?:256|512)-[a-f0-9]+(?:\.(?:sig|att|sbom))?$/;

/**
 * Reads what the primary holds for each look: its digest and its closure. While a tag is not yet what the event said, it looks again
 * for a second; a digest that is neither the event's nor what the secondary holds is taken as newer than the event.
 */
export async function fetchManifests(
  route: Route,
  looks: readonly Look[],
  companions: boolean,
): Promise<Omit<FetchManifestsResult, 'look'>> {
  const images: FetchedImage[] = [];
  const absent: string[] = [];
  const failures: TagFailure[] = [];
  await concurrently(looks, IMAGES_AT_ONCE, async (look) => {
    try {
      const image = await fetchImage(route, look);
      if (image) images.push(image);
      else absent.push(look.tag);
    } catch (thrown) {
      // A worker that stops must not pass for an image that failed.
      route.signal?.throwIfAborted();
      failures.push({ tag: look.tag, failure: failureOf(thrown) });
    }
  });
  if (companions) images.push(...(await fetchCompanions(route, images, failures)));
  return { summary: summarize(images, absent, failures), images, absent, failures };
}

async function fetchImage(route: Route, look: Look): Promise<FetchedImage | undefined> {
  const { site, repository, signal } = route;
  let manifest = await getManifest(site.primary, repository, look.tag, signal);
  if (look.digest !== undefined && manifest?.digest !== look.digest) {
    const became = await lookUntil(route, look, manifest?.digest);
    if (became !== manifest?.digest)
      manifest = became === undefined ? undefined : await getManifest(site.primary, repository, look.tag, signal);
  }
  if (!manifest) return undefined;
  site.manifests.put(repository, manifest);
  const image = await describe(route, look.tag, manifest.digest);
  return look.digest === undefined || look.digest === manifest.digest ? image : { ...image, unexpected: true };
}

async function lookUntil(route: Route, look: Look, first: Digest | undefined): Promise<Digest | undefined> {
  const { site, repository, target, signal } = route;
  const old = (await headManifest(site.secondary, target, look.tag, signal))?.digest;
  let seen = first;
  let waited = 0;
  for (const at of LOOKS_MS) {
    const newer = seen !== undefined && seen !== old;
    if (seen === look.digest || newer) break;
    await sleep(at - waited, undefined, signal ? { signal } : {});
    waited = at;
    seen = (await headManifest(site.primary, repository, look.tag, signal))?.digest;
  }
  return seen;
}

async function describe(route: Route, tag: string, digest: Digest): Promise<FetchedImage> {
  const root = await manifestOf(route, digest);
  const { manifests, blobs, bytes } = await readClosure(route, root);
  return { tag, digest, manifests, blobs: blobs.length, bytes };
}

/** Signatures and the like that lie under tags derived from an image's digest. */
async function fetchCompanions(route: Route, images: readonly FetchedImage[], failures: TagFailure[]): Promise<FetchedImage[]> {
  const known = new Set(images.map((image) => image.tag));
  const candidates = images.filter((image) => !COMPANION.test(image.tag ?? '')).flatMap((image) => companionTags(image.digest));
  const found = await concurrently(
    candidates.filter((tag) => !known.has(tag)),
    IMAGES_AT_ONCE,
    async (tag) => {
      try {
        const head = await headManifest(route.site.primary, route.repository, tag, route.signal);
        return head && (await fetchImage(route, { tag }));
      } catch (thrown) {
        route.signal?.throwIfAborted();
        failures.push({ tag, failure: failureOf(thrown) });
        return undefined;
      }
    },
  );
  return found.filter((image) => image !== undefined);
}

function summarize(images: readonly FetchedImage[], absent: readonly string[], failures: readonly TagFailure[]): string {
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0);
  const first =
    images.length === 1 && images[0] ? `${images[0].tag ?? 'digest'} = ${shortDigest(images[0].digest)}` : count(images.length, 'image');
  const blobs = images.reduce((sum, image) => sum + image.blobs, 0);
  const parts = [`${first}, ${count(blobs, 'blob')}, ${formatBytes(bytes)}`];
  if (absent.length > 0) parts.push(`${absent.length} not at the primary`);
  if (failures.length > 0) parts.push(`${failures.length} failed`);
  return parts.join('; ');
}
