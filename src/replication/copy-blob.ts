import { LARGE_BLOB_BYTES } from '../model/batches.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { isTwinportError } from '../model/failure.ts';
import type { Depth } from '../model/policy.ts';
import type { UploadPosition } from '../model/steps.ts';
import { abortable } from '../registry/transport/abortable.ts';
import { acquireTransfer } from '../registry/transport/limiter.ts';
import { cancelUpload, mountBlob, postBlob, putBlob, startUpload, uploadStatus, type Upload } from '../registry/uploads.ts';
import { blobNotKept } from './difference.ts';
import { holdsBlob } from './holds-blob.ts';
import type { CopiedBlob, Route } from './site.ts';
import { sendBlob, type OnPosition } from './send-blob.ts';
import { sourceStream } from './source-stream.ts';

/** Up to here a blob is held in memory before the secondary hears of it: no upload is open while the primary is waited for. */
export const WHOLE_BYTES = 64 * 1024;

/**
 * Brings one blob over: by mounting it from a repository of the secondary that holds it, else by streaming it, with no temporary file; then reads
 * it back. The same blob asked for twice at once is fetched once; the second one mounts it, or finds it present.
 * @param earlier where an earlier attempt's upload stood
 * @throws {RegistryError} of either side; the upload is left open for the next attempt, unless the route's signal was aborted
 */
export async function copyBlob(
  route: Route,
  blob: Descriptor,
  earlier: UploadPosition | undefined,
  onPosition: OnPosition,
  depth: Depth = 'shallow',
): Promise<CopiedBlob> {
  const { flights } = route.site;
  for (;;) {
    const other = flights.get(blob.digest);
    if (!other) break;
    // Somebody else's copy may take hours: a cancel must not wait for it.
    await abortable(
      other.catch(() => undefined),
      route.signal,
    );
  }
  const flight = bringOver(route, blob, earlier, onPosition, depth);
  flights.set(blob.digest, flight);
  try {
    return await flight;
  } finally {
    flights.delete(blob.digest);
  }
}

async function bringOver(
  route: Route,
  blob: Descriptor,
  earlier: UploadPosition | undefined,
  onPosition: OnPosition,
  depth: Depth,
): Promise<CopiedBlob> {
  const { site, target, signal } = route;
  // Another copy may just have brought it here; or the answer to an earlier attempt's last request was lost.
  if ((earlier || site.homes.has(blob.digest, target)) && (await holdsBlob(route, blob, depth))) {
    if (earlier) await removeQuietly(route, earlier.location);
    onPosition(undefined);
    return { how: 'present', bytes: 0, resumedBytes: 0 };
  }
  if (!earlier && isSmall(route, blob)) return sendWhole(route, blob, onPosition, depth);
  const resumed = earlier && (await resumable(route, blob, earlier));
  const opened = resumed ?? (await mountOrOpen(route, blob, depth));
  if (opened === 'mounted') {
    onPosition(undefined);
    return { how: 'mounted', bytes: 0, resumedBytes: 0 };
  }
  // Before the wait for a place, which may be long: an upload that nobody knows is left behind.
  onPosition({ digest: blob.digest, location: opened.location, offset: opened.offset });
  // Small blobs, those of a push above all, never wait for large ones alone.
  const release = await acquireTransfer(site.secondary, signal, blob.size > LARGE_BLOB_BYTES ? 'large' : 'small');
  let begun: Upload;
  try {
    begun = await sendThroughRefusals(route, blob, opened, onPosition);
  } finally {
    release();
  }
  // Distribution does not look at a file that it has already, broken or not, and throws away what was sent.
  if (!(await holdsBlob(route, blob, depth))) throw await blobNotKept(route, blob);
  return { how: 'copied', bytes: blob.size - begun.offset, resumedBytes: begun.offset };
}

/**
 * Sends a blob, and once more where the registry only had no time for it (429): a stream cannot be sent twice by itself, and one refusal must not
 * fail a whole batch. The limiter keeps what the registry asked for.
 * @returns the upload that took it
 */
async function sendThroughRefusals(route: Route, blob: Descriptor, opened: Upload, onPosition: OnPosition): Promise<Upload> {
  let upload = opened;
  for (let tries = 1; ; tries++) {
    try {
      await sendBlob(route, blob, upload, onPosition);
      return upload;
    } catch (thrown) {
      const passing = isTwinportError(thrown) && thrown.code === 'RATE_LIMITED' && (thrown.retryAfterMs ?? 0) <= LONGEST_REFUSAL_MS;
      if (!passing || tries === MAX_TRIES) throw thrown;
    }
    const earlier = { digest: blob.digest, location: upload.location, offset: upload.offset };
    upload = (await resumable(route, blob, earlier)) ?? (await startUpload(route.site.secondary, route.target, route.signal));
    onPosition({ digest: blob.digest, location: upload.location, offset: upload.offset });
  }
}

const MAX_TRIES = 4;
const LONGEST_REFUSAL_MS = 60_000;

/** Small, and not to be mounted. */
function isSmall({ site, target }: Route, blob: Descriptor): boolean {
  return blob.size <= WHOLE_BYTES && site.homes.find(blob.digest, target) === undefined;
}

/** One request does for three, where the registry takes it. */
async function sendWhole(route: Route, blob: Descriptor, onPosition: OnPosition, depth: Depth): Promise<CopiedBlob> {
  const { site, target, signal } = route;
  const chunks: Uint8Array[] = [];
  for await (const chunk of sourceStream(route, blob, 0)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const posted =
    site.secondary.capabilities.singlePost === false
      ? await startUpload(site.secondary, target, signal)
      : await postBlob(site.secondary, target, blob, bytes, signal);
  if (posted !== 'done') {
    onPosition({ digest: blob.digest, location: posted.location, offset: 0 });
    await putBlob(site.secondary, posted, target, blob, bytes, signal);
    onPosition(undefined);
  }
  if (!(await holdsBlob(route, blob, depth))) throw await blobNotKept(route, blob);
  return { how: 'copied', bytes: blob.size, resumedBytes: 0 };
}

/** Best effort: an upload that stays is purged by its registry in time. */
async function removeQuietly(route: Route, location: string): Promise<void> {
  await cancelUpload(route.site.secondary, location, route.signal).catch(() => undefined);
}

/** The upload of an earlier attempt, if the registry still has it: only the registry knows how much arrived. */
async function resumable(route: Route, blob: Descriptor, earlier: UploadPosition): Promise<Upload | undefined> {
  const status = await uploadStatus(route.site.secondary, earlier.location, route.signal);
  if (status && status.offset > 0 && status.offset <= blob.size) return status;
  // Nothing to go on from, or more than the blob has: such an upload would only lie about.
  if (status) await cancelUpload(route.site.secondary, status.location, route.signal);
  return undefined;
}

async function mountOrOpen(route: Route, blob: Descriptor, depth: Depth): Promise<Upload | 'mounted'> {
  const { site, target, signal } = route;
  const home = site.homes.find(blob.digest, target);
  if (home === undefined) return startUpload(site.secondary, target, signal);
  const mounted = await mountBlob(site.secondary, target, blob.digest, home, signal);
  if (mounted !== 'mounted') {
    site.homes.forget(blob.digest, home);
    return mounted;
  }
  // A mount succeeds on a blob whose bytes are gone.
  if (await holdsBlob(route, blob, depth)) return 'mounted';
  site.homes.forget(blob.digest, home);
  return startUpload(site.secondary, target, signal);
}
