import { createHash } from 'node:crypto';
import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import type { Manifest } from '../model/manifest.ts';
import { OCI_MANIFEST } from '../model/media-types.ts';
import { headBlob } from './blobs.ts';
import { putManifest } from './manifests.ts';
import { ensureRepository } from './repositories.ts';
import type { Session } from './session.ts';
import { putBlob, startUpload } from './uploads.ts';

/** The one tag of the canary's repository. */
export const CANARY_TAG = 'canary';

const EMPTY = new TextEncoder().encode('{}');
/** @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor */
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
/** Pushed in turn: the tag moves each time, and no more than these ever lie there. */
const CONTENTS = 12;

/** The artifact whose turn it is, the n-th. */
export function canaryManifest(n: number): Manifest {
  const config: Descriptor = { mediaType: EMPTY_TYPE, digest: digestOf(EMPTY), size: EMPTY.length };
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: 'application/vnd.twinport.canary.v1',
    config,
    layers: [config],
    annotations: { 'twinport.canary': String(n % CONTENTS) },
  });
  const bytes = new TextEncoder().encode(text);
  return { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length, bytes };
}

/**
 * Pushes a tiny artifact under the canary's tag.
 * @param onPush called once only the manifest is left, whose event is waited for
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function pushCanary(session: Session, repository: string, manifest: Manifest, onPush: () => Promise<void>): Promise<void> {
  const blob = { mediaType: EMPTY_TYPE, digest: digestOf(EMPTY), size: EMPTY.length };
  await ensureRepository(session, repository);
  if (!(await headBlob(session, repository, blob.digest))) {
    await putBlob(session, await startUpload(session, repository), repository, blob, EMPTY);
  }
  await onPush();
  await putManifest(session, repository, CANARY_TAG, manifest);
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
