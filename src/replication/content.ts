import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import type { ForeignLayer, ManifestLinks } from '../model/manifest.ts';
import { headBlob } from '../registry/blobs.ts';
import { concurrently } from './concurrently.ts';
import { kindOfEntry } from './entry-of-index.ts';
import type { Route } from './site.ts';

/** What a manifest needs, told apart by where it lies. */
export interface Content {
  readonly children: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
  /** Foreign layers that stay where they are. */
  readonly leftOut: readonly Descriptor[];
}

const LOOKS_AT_ONCE = 8;

/**
 * Finds out at the primary what a manifest does not say of what it points at: whether an index's entry is a manifest or a blob, how long a layer of
 * schema 1 is, whether a foreign layer's bytes are there at all.
 * @throws {RegistryError} of the primary; {TwinportError} NOT_FOUND (it has an entry, or a layer, neither way)
 */
export async function contentOf(route: Route, owner: Digest, links: ManifestLinks): Promise<Content> {
  const children = [...links.children];
  const blobs = [...links.blobs];
  const leftOut: Descriptor[] = [];
  await concurrently(links.entries, LOOKS_AT_ONCE, async (entry) => {
    const found = await kindOfEntry(route, entry);
    if (!found) throw lost(route, owner, entry.digest, 'neither as a manifest nor as a blob');
    if (found.is === 'manifest') children.push({ ...entry, mediaType: found.mediaType });
    else blobs.push(entry);
  });
  await concurrently(links.unsized, LOOKS_AT_ONCE, async (digest) => {
    const blob = await blobAtPrimary(route, digest);
    if (!blob) throw lost(route, owner, digest, 'not');
    blobs.push(blob);
  });
  await concurrently(links.foreign, LOOKS_AT_ONCE, async ({ elsewhere, ...layer }) => {
    if (await isWanted(route, layer, elsewhere)) blobs.push(layer);
    else leftOut.push(layer);
  });
  return { children, blobs, leftOut };
}

/** A layer that does not say where else it lies can be had from a registry only: left out, it would be nowhere. */
async function isWanted(route: Route, layer: Descriptor, elsewhere: ForeignLayer['elsewhere']): Promise<boolean> {
  if (route.foreignLayers === 'skip' && elsewhere) return false;
  return (await blobAtPrimary(route, layer.digest)) !== undefined;
}

function blobAtPrimary({ site, repository, signal }: Route, digest: Digest): Promise<Descriptor | undefined> {
  return headBlob(site.primary, repository, digest, signal);
}

function lost(route: Route, owner: Digest, digest: Digest, how: string): TwinportError {
  return new TwinportError('NOT_FOUND', `manifest ${owner} needs ${digest}, which the primary has ${how} in ${route.repository}`);
}
