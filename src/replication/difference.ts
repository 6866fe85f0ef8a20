import { createHash } from 'node:crypto';
import { LARGE_BLOB_BYTES } from '../model/batches.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { algorithmOf } from '../model/digest.ts';
import { TwinportError, type Content, type Difference } from '../model/failure.ts';
import type { Manifest } from '../model/manifest.ts';
import { headBlob, readBlob } from '../registry/blobs.ts';
import { isRegistryError } from '../registry/errors.ts';
import { storageRemedy } from '../registry/kinds/storage-remedy.ts';
import { getManifest } from '../registry/manifests.ts';
import type { Route } from './site.ts';

/** What is thrown where the secondary took a blob and does not give its bytes back: what it gives instead, and what helps. */
export async function blobNotKept(route: Route, blob: Descriptor): Promise<TwinportError> {
  const { digest, size } = blob;
  return notKept(route, { what: 'blob', reference: digest, want: { digest, size }, have: await foundBlob(route, blob) });
}

/** The same of a manifest: other bytes, another type, or nothing. */
export async function manifestNotKept(route: Route, reference: string, manifest: Manifest): Promise<TwinportError> {
  const { digest, size, mediaType } = manifest;
  const have = await foundManifest(route, reference);
  const what = reference === digest ? 'manifest' : 'tag';
  // The same bytes under another type would look like no difference at all.
  const type = have?.digest === digest ? ` as ${mediaType}` : '';
  return notKept(route, { what, reference, want: { digest, size }, have }, type);
}

function notKept(route: Route, seen: Pick<Difference, 'what' | 'reference' | 'want' | 'have'>, type = ''): TwinportError {
  const remedy = storageRemedy(route.site.secondary.endpoint.kind);
  const difference: Difference = { ...seen, repository: route.target, remedy };
  const { what, reference, want, have } = seen;
  return new TwinportError(
    'DIGEST_MISMATCH',
    `the secondary took ${what} ${reference} of ${route.target} and does not give it back${type}: wanted ${contentText(want)}, found ${contentText(have)}; ${remedy}`,
    { difference },
  );
}

function contentText(content: Content | null): string {
  if (!content) return 'nothing';
  const size = content.size === undefined ? undefined : `${content.size} bytes`;
  return [content.digest, size].filter((part) => part !== undefined).join(', ') || 'something that cannot be read';
}

/** What lies there, hashed unless it is large: it is read for a person, and a retry reads it again. */
async function foundBlob({ site, target, signal }: Route, { digest, size }: Descriptor): Promise<Content | null> {
  const hash = createHash(algorithmOf(digest));
  let seen = 0;
  try {
    if (size > LARGE_BLOB_BYTES) return { size: (await headBlob(site.secondary, target, digest, signal))?.size ?? 0 };
    const { stream } = await readBlob(site.secondary, target, digest, signal ? { signal } : {});
    for await (const chunk of stream) {
      seen += chunk.length;
      hash.update(chunk);
    }
    return { digest: `${algorithmOf(digest)}:${hash.digest('hex')}`, size: seen };
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!isRegistryError(thrown)) throw thrown;
    return thrown.code === 'NOT_FOUND' ? null : { size: seen };
  }
}

async function foundManifest({ site, target, signal }: Route, reference: string): Promise<Content | null> {
  try {
    const held = await getManifest(site.secondary, target, reference, signal);
    return held ? { digest: held.digest, size: held.size } : null;
  } catch (thrown) {
    signal?.throwIfAborted();
    if (!isRegistryError(thrown)) throw thrown;
    return thrown.found ?? {};
  }
}
