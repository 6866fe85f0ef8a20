import { createHash } from 'node:crypto';
import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import { linksOf, parseBody, type Manifest } from '../model/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../model/media-types.ts';
import { fallbackTag } from '../model/reference.ts';
import { getManifest, headManifest } from '../registry/manifests.ts';
import { listReferrers } from '../registry/referrers.ts';
import { pause } from '../registry/transport/pause.ts';
import { referrersOf, type Closure } from './closure.ts';
import { concurrently } from './concurrently.ts';
import { ensureManifest, putAndRead } from './ensure-manifest.ts';
import type { Route } from './site.ts';
import { artifactTypeOf } from './told-referrers.ts';

/** Several syncs may write one fallback index at a time: what another put meanwhile is seen by looking once more. */
const TURNS = 4;
/** Some registries list a referrer a moment after they took it. */
const LISTED_MS = [0, 100, 400, 1_500];

/**
 * Where the primary lists referrers by API and the secondary has none, their list lies under the fallback tag, rebuilt whole from the primary's.
 * @param subjects whose referrers
 * @returns whether anything was put
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export async function publishFallbackIndexes(route: Route, closure: Closure, subjects: Iterable<Digest>): Promise<boolean> {
  const { site, repository, target, signal } = route;
  let changed = false;
  for (const subject of subjects) {
    if ((await listReferrers(site.secondary, target, subject, signal)) !== undefined) continue;
    // A tag of the primary's own is replicated as any other, and not overwritten.
    if (await headManifest(site.primary, repository, fallbackTag(subject), signal)) continue;
    let listed: readonly Descriptor[] | undefined = closure.referrers.get(subject);
    for (let turn = 0; turn < TURNS; turn++) {
      listed ??= (await referrersOf(route, subject)) ?? [];
      const referrers = await heldOf(route, closure, listed);
      if (referrers.length === 0 || !(await ensureManifest(route, fallbackTag(subject), fallbackIndex(referrers)))) break;
      changed = true;
      listed = undefined;
    }
  }
  return changed;
}

/** Those of the listed referrers that the secondary holds: the closure's are there by now, the others come with their own sync. */
async function heldOf({ site, target, signal }: Route, closure: Closure, listed: readonly Descriptor[]): Promise<Manifest[]> {
  const known = new Map([closure.root, ...closure.inner].map((manifest) => [manifest.digest, manifest]));
  const held = await concurrently(
    listed,
    8,
    async ({ digest }) => known.get(digest) ?? (await getManifest(site.secondary, target, digest, signal)),
  );
  return held.filter((manifest) => manifest !== undefined);
}

/** What the closure's own manifests refer to beyond it, where the primary's API knows of it: a referrer that came with a tag of its own, or by its digest. */
export function subjectsBeyond(route: Route, closure: Closure): Digest[] {
  if (route.site.primary.capabilities.referrers !== true) return [];
  const subjects = [closure.root, ...closure.inner].flatMap((manifest) => linksOf(manifest).subject?.digest ?? []);
  return [...new Set(subjects)].filter((subject) => !closure.referrers.has(subject));
}

/**
 * Makes sure that a secondary with the referrers API lists what refers to something: it does so when the referrer is put, which for one that was there
 * before it had the API may be long ago.
 * @throws {TwinportError} PROTOCOL (it takes a referrer and does not list it: clients would not find it)
 */
export async function ensureListed(route: Route, closure: Closure): Promise<void> {
  for (const [subject, referrers] of referring(closure)) {
    let missing = await unlisted(route, subject, referrers);
    if (missing.length === 0) continue;
    for (const manifest of missing) await putAndRead(route, manifest.digest, manifest);
    for (const pauseMs of LISTED_MS) {
      await pause(pauseMs, route.signal);
      missing = await unlisted(route, subject, missing);
      if (missing.length === 0) break;
    }
    if (missing[0]) {
      throw new TwinportError(
        'PROTOCOL',
        `the secondary took ${missing[0].digest}, which refers to ${subject}, and its referrers API does not list it: clients would not find it`,
      );
    }
  }
}

/** By subject; the types that the specification gives a subject. */
function referring(closure: Closure): Map<Digest, Manifest[]> {
  const found = new Map<Digest, Manifest[]>();
  for (const manifest of new Set([closure.root, ...closure.inner])) {
    if (manifest.mediaType !== OCI_MANIFEST && manifest.mediaType !== OCI_INDEX) continue;
    const subject = linksOf(manifest).subject?.digest;
    if (subject !== undefined) found.set(subject, [...(found.get(subject) ?? []), manifest]);
  }
  return found;
}

async function unlisted({ site, target, signal }: Route, subject: Digest, referrers: readonly Manifest[]): Promise<readonly Manifest[]> {
  const listed = await listReferrers(site.secondary, target, subject, signal);
  if (!listed) return [];
  const digests = new Set(listed.map(({ digest }) => digest));
  return referrers.filter(({ digest }) => !digests.has(digest));
}

/** The index that a client would have kept under the fallback tag: with the types and annotations by which clients choose. */
export function fallbackIndex(referrers: readonly Manifest[]): Manifest {
  const manifests = referrers.map(referrerEntry);
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  return { mediaType: OCI_INDEX, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length, bytes };
}

function referrerEntry(manifest: Manifest): Record<string, unknown> {
  const { mediaType, digest, size } = manifest;
  const body = parseBody(manifest);
  const artifactType = artifactTypeOf(manifest);
  const { annotations } = body;
  return { mediaType, digest, size, ...(artifactType ? { artifactType } : {}), ...(annotations ? { annotations } : {}) };
}
