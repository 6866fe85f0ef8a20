import type { Descriptor } from '../model/descriptor.ts';
import { headBlob, readBlob } from '../registry/blobs.ts';
import { isRegistryError } from '../registry/errors.ts';
import { headManifest } from '../registry/manifests.ts';
import type { Route } from './site.ts';

/** What is longer is no manifest. */
const LONGEST_MANIFEST = 8 * 1024 * 1024;

/**
 * Finds out at the primary whether an index's entry, whose type does not tell, is a manifest or a blob. The manifest is asked for first: some
 * registries serve manifests as blobs too, and what a manifest points at may not be forgotten.
 * @returns `undefined` where the primary has it neither way
 * @throws {RegistryError} of the primary
 */
export async function kindOfEntry(route: Route, entry: Descriptor): Promise<{ is: 'manifest' | 'blob'; mediaType: string } | undefined> {
  const { site, repository, signal } = route;
  try {
    const manifest = await headManifest(site.primary, repository, entry.digest, signal);
    if (manifest) return { is: 'manifest', mediaType: manifest.mediaType };
  } catch (thrown) {
    // Distribution 2 takes a blob for a manifest that it cannot read, and answers 500.
    if (!isRegistryError(thrown) || thrown.status !== 500 || (await mayBeManifest(route, entry))) throw thrown;
  }
  return (await headBlob(site.primary, repository, entry.digest, signal)) && { is: 'blob', mediaType: entry.mediaType };
}

/** A registry in trouble answers 500 too: what is no blob, or looks like a manifest, is not taken for a blob. */
async function mayBeManifest({ site, repository, signal }: Route, { digest }: Descriptor): Promise<boolean> {
  const blob = await headBlob(site.primary, repository, digest, signal);
  if (!blob) return true;
  if (blob.size > LONGEST_MANIFEST) return false;
  const { stream } = await readBlob(site.primary, repository, digest, signal ? { signal } : {});
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of stream) {
    read += chunk.length;
    // It may send more than it said.
    if (read > LONGEST_MANIFEST) return false;
    chunks.push(chunk);
  }
  return /"(?:schemaVersion|manifests|layers|blobs)"/.test(Buffer.concat(chunks).toString('latin1'));
}
