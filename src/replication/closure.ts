import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import { linksOf, type Manifest } from '../model/manifest.ts';
import { getManifest } from '../registry/manifests.ts';
import { listReferrers } from '../registry/referrers.ts';
import { concurrently } from './concurrently.ts';
import type { Route } from './site.ts';

/** All that one reference needs to be complete. */
export interface Closure {
  readonly root: Manifest;
  /** Every other manifest, in the order in which they may be published: what is pointed at before what points. */
  readonly inner: readonly Manifest[];
  /** Configs and layers, each once. */
  readonly blobs: readonly Descriptor[];
  /** Referrers that the primary's API listed, by subject; empty where it has no such API (then they are plain tags). */
  readonly referrers: ReadonlyMap<Digest, readonly Descriptor[]>;
}

/** Deeper or wider than any image: what is above is hostile or broken. */
const MAX_DEPTH = 16;
const MAX_MANIFESTS = 10_000;
const FETCHES = 8;

/**
 * Reads the closure of a manifest at the primary: nested indexes, configs, layers, and referrers of each of them.
 * @throws {RegistryError} of the primary; {TwinportError} INVALID, UNSUPPORTED, NOT_FOUND (a child that the primary itself lacks)
 */
export async function readClosure(route: Route, root: Manifest): Promise<Closure> {
  const walk: Walk = { route, seen: new Map(), inner: [], blobs: new Map(), referrers: new Map() };
  walk.seen.set(root.digest, Promise.resolve());
  await visit(walk, root, 0);
  return { root, inner: walk.inner, blobs: [...walk.blobs.values()], referrers: walk.referrers };
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
  /** The visit of a manifest that others may wait for, so that publishing order holds when several point at it. */
  readonly seen: Map<Digest, Promise<void>>;
  readonly inner: Manifest[];
  readonly blobs: Map<Digest, Descriptor>;
  readonly referrers: Map<Digest, readonly Descriptor[]>;
}

async function visit(walk: Walk, manifest: Manifest, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new TwinportError('INVALID', `manifest ${manifest.digest} is nested more than ${MAX_DEPTH} deep`);
  const links = linksOf(manifest);
  for (const blob of links.blobs) addBlob(walk, blob);
  await concurrently(links.children, FETCHES, (child) => visitOnce(walk, child, depth + 1));
  const referrers = await referrersOf(walk.route, manifest.digest);
  if (referrers && referrers.length > 0) {
    walk.referrers.set(manifest.digest, referrers);
    await concurrently(referrers, FETCHES, (referrer) => visitOnce(walk, referrer, depth + 1));
  }
}

function visitOnce(walk: Walk, descriptor: Descriptor, depth: number): Promise<void> {
  const begun = walk.seen.get(descriptor.digest);
  if (begun) return begun;
  if (walk.seen.size >= MAX_MANIFESTS) throw new TwinportError('INVALID', `an index points at more than ${MAX_MANIFESTS} manifests`);
  const visiting = (async () => {
    const manifest = await manifestOf(walk.route, descriptor.digest);
    if (manifest.size !== descriptor.size) {
      throw new TwinportError(
        'SIZE_MISMATCH',
        `manifest ${descriptor.digest} has ${manifest.size} bytes, its descriptor says ${descriptor.size}`,
      );
    }
    await visit(walk, manifest, depth);
    walk.inner.push(manifest);
  })();
  walk.seen.set(descriptor.digest, visiting);
  return visiting;
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
  if (site.primary.capabilities.referrers === false) return undefined;
  const listed = await listReferrers(site.primary, repository, digest, signal);
  return listed?.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}
