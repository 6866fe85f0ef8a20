import { createHash, randomUUID } from 'node:crypto';
import type { Digest } from '../../../model/digest.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { OCI_MANIFEST } from '../../../model/media-types.ts';
import { deleteManifest, headManifest, putManifest } from '../../../registry/manifests.ts';
import { ensureRepository } from '../../../registry/repositories.ts';
import type { Session } from '../../../registry/session.ts';
import { putBlob, startUpload } from '../../../registry/uploads.ts';
import { tryCheck, type CheckedPart } from '../../doctor/check.ts';

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';

/** Pushes a tiny image and removes it again: permissions are proved by use alone. */
export async function tryPush(session: Session, repository: string, name: string, deletes: boolean): Promise<CheckedPart[]> {
  let pushed: Manifest | undefined;
  const push = await tryCheck(`${name}: push`, async () => {
    pushed = await pushProbe(session, repository);
    const found = await headManifest(session, repository, pushed.digest);
    if (found?.digest === pushed.digest) return { found: `a small image was pushed to ${repository} and read back` };
    return { ok: false, found: `what was pushed to ${repository} cannot be read back`, fix: 'look at the registry’s storage and log' };
  });
  if (!pushed) return [push];
  const { digest } = pushed;
  const remove = await tryCheck(`${name}: delete`, async () => {
    const outcome = await deleteManifest(session, repository, digest);
    if (outcome !== 'refused') return { found: 'the small image was deleted again' };
    const fix = 'allow deletes (Distribution: storage.delete.enabled: true), or set deletes: never';
    const found = `the registry refuses deletes; ${repository} keeps ${digest.slice(0, 19)}`;
    return deletes ? { ok: false, found, fix } : { found: `${found}; deletes: never needs none` };
  });
  return [push, remove];
}

async function pushProbe(session: Session, repository: string): Promise<Manifest> {
  const config = new TextEncoder().encode(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, probe: randomUUID() }),
  );
  const blob = { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length };
  // As a sync does: where a registry wants its repositories made first, that is one of the permissions.
  await ensureRepository(session, repository);
  await putBlob(session, await startUpload(session, repository), repository, blob, config);
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: blob, layers: [] }));
  const manifest: Manifest = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length, bytes };
  await putManifest(session, repository, manifest.digest, manifest);
  return manifest;
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
