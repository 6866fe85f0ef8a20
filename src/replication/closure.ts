import { totalBytes, type Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import { linksOf, type Manifest } from '../model/manifest.ts';
import { isSchema1Type } from '../model/media-types.ts';
import { formatBytes } from '../model/text.ts';
import { getManifest } from '../registry/manifests.ts';
import { listReferrers } from '../registry/referrers.ts';
import { concurrently } from './concurrently.ts';
import { contentOf } from './content.ts';
import type { Route } from './site.ts';

/** All that one reference needs to be complete. */
export interface Closure {
  readonly root: Manifest;
  /**
   * Every other manifest, in the order in which they may be published: what an index lists before the index. The root is among them where a
   * referrer lists it.
   */
  readonly inner: readonly Manifest[];
  /** Manifests that list others: these go first. */
  readonly parents: ReadonlySet<Digest>;
  /** Configs and layers, each once. */
  readonly blobs: readonly Descriptor[];
  /** Foreign layers that stay where they are, each once. */
  readonly leftOut: readonly Descriptor[];
  /** Referrers that the primary's API listed, by subject; empty where it has no such API (then they are plain tags). */
  readonly referrers: ReadonlyMap<Digest, readonly Descriptor[]>;
  /** How many manifests there are, the root among them. */
  readonly manifests: number;
  /** Of all content, each once. */
  readonly bytes: number;
}

/** Deeper or wider than any image: what is above is hostile or broken. */
const MAX_DEPTH = 16;
const MAX_MANIFESTS = 10_000;
/** All manifests of a closure are in memory at once. */
const MAX_BYTES = 64 * 1024 * 1024;
const FETCHES = 8;

/**
 * Reads the closure of a manifest at the primary: nested indexes, configs, layers, and referrers of each of them.
 * @throws {RegistryError} of the primary; {TwinportError} INVALID, UNSUPPORTED, NOT_FOUND (a child that the primary itself lacks)
 */
export async function readClosure(route: Route, root: Manifest): Promise<Closure> {
  const walk: Walk = {
    route,
    seen: new Set([root.digest]),
    found: new Map([[root.digest, root]]),
    children: new Map(),
    blobs: new Map(),
    leftOut: new Map(),
    referrers: new Map(),
    bytes: root.size,
  };
  await visit(walk, root, 0);
  const blobs = [...walk.blobs.values()];
  return {
    root,
    inner: inPublishingOrder(walk, root),
    parents: new Set([...walk.children].flatMap(([digest, children]) => (children.length > 0 ? [digest] : []))),
    blobs,
    leftOut: [...walk.leftOut.values()].filter(({ digest }) => !walk.blobs.has(digest)),
    referrers: walk.referrers,
    manifests: walk.found.size,
    bytes: totalBytes(blobs) + totalBytes(walk.found.values()),
  };
}

/** A manifest of the primary by digest, from the worker's memory if it is there. */
export async function manifestOf(route: Route, digest: Digest): Promise<Manifest> {
  const { site, repository, signal } = route;
  const known = site.manifests.get(repository, digest);
  if (known) return known;
  const manifest = await getManifest(site.primary, repository, digest, signal);
  if (!manifest) throw new TwinportError('NOT_FOUND', `the primary has no manifest ${repository}@${digest}`);
  site.manifests.put(repository, manifest);
  return manifest;
}

interface Walk {
  readonly route: Route;
  /** Manifests that somebody is on to: nobody waits for another's visit, since a referrer may list what leads to it. */
  readonly seen: Set<Digest>;
  readonly found: Map<Digest, Manifest>;
  /** What each index lists. */
  readonly children: Map<Digest, readonly Descriptor[]>;
  readonly blobs: Map<Digest, Descriptor>;
  readonly leftOut: Map<Digest, Descriptor>;
  readonly referrers: Map<Digest, readonly Descriptor[]>;
  bytes: number;
}

async function visit(walk: Walk, manifest: Manifest, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new TwinportError('INVALID', `manifest ${manifest.digest} is nested more than ${MAX_DEPTH} deep`);
  const { children, blobs, leftOut } = await contentOf(walk.route, manifest.digest, linksOf(manifest));
  for (const blob of blobs) addBlob(walk, blob);
  for (const layer of leftOut) walk.leftOut.set(layer.digest, layer);
  walk.children.set(manifest.digest, children);
  await concurrently(children, FETCHES, (child) => visitOnce(walk, child, depth + 1));
  const referrers = await referrersOf(walk.route, manifest.digest);
  if (referrers && referrers.length > 0) {
    walk.referrers.set(manifest.digest, referrers);
    await concurrently(referrers, FETCHES, (referrer) => visitOnce(walk, referrer, depth + 1));
  }
}

async function visitOnce(walk: Walk, descriptor: Descriptor, depth: number): Promise<void> {
  if (walk.seen.has(descriptor.digest)) return;
  walk.seen.add(descriptor.digest);
  walk.bytes += descriptor.size;
  if (walk.seen.size > MAX_MANIFESTS || walk.bytes > MAX_BYTES) {
    throw new TwinportError(
      'INVALID',
      `an index points at more than ${MAX_MANIFESTS} manifests, or at more than ${formatBytes(MAX_BYTES)} of them`,
    );
  }
  const manifest = await manifestOf(walk.route, descriptor.digest);
  // Of schema 1, what is served has signatures of its own length.
  if (manifest.size !== descriptor.size && !isSchema1Type(manifest.mediaType)) {
    throw new TwinportError(
      'SIZE_MISMATCH',
      `manifest ${descriptor.digest} has ${manifest.size} bytes, its descriptor says ${descriptor.size}`,
    );
  }
  walk.found.set(manifest.digest, manifest);
  await visit(walk, manifest, depth);
}

/** A subject may come after its referrers, a child never after its index; digests cannot go round in a circle. */
function inPublishingOrder(walk: Walk, root: Manifest): Manifest[] {
  const ordered = new Set<Manifest>();
  const passed = new Set<Digest>();
  let rootIsListed = false;
  const place = (digest: Digest): void => {
    const manifest = walk.found.get(digest);
    if (!manifest || passed.has(digest)) return;
    passed.add(digest);
    for (const child of walk.children.get(digest) ?? []) {
      rootIsListed ||= child.digest === root.digest;
      place(child.digest);
    }
    ordered.add(manifest);
  };
  for (const digest of walk.found.keys()) place(digest);
  if (!rootIsListed) ordered.delete(root);
  return [...ordered];
}

function addBlob(walk: Walk, blob: Descriptor): void {
  const known = walk.blobs.get(blob.digest);
  if (known && known.size !== blob.size) {
    throw new TwinportError('SIZE_MISMATCH', `blob ${blob.digest} is described with ${known.size} and with ${blob.size} bytes`);
  }
  walk.blobs.set(blob.digest, blob);
}

/** Referrers by the primary's API, sorted by digest; `undefined` where it has none. */
export async function referrersOf(route: Route, digest: Digest): Promise<Descriptor[] | undefined> {
  const { site, repository, signal } = route;
  const listed = await listReferrers(site.primary, repository, digest, signal);
  return listed?.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}
