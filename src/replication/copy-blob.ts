import type { Descriptor } from '../model/descriptor.ts';
import type { UploadPosition } from '../model/steps.ts';
import { acquireTransfer } from '../registry/transport/limiter.ts';
import { proveBlob } from '../registry/blobs.ts';
import { cancelUpload, mountBlob, startUpload, uploadStatus, type Upload } from '../registry/uploads.ts';
import type { CopiedBlob, Route } from './site.ts';
import { sendBlob, type OnPosition } from './send-blob.ts';

/**
 * Brings one blob over: by mounting it from a repository of the secondary that holds it, else by streaming it, with no temporary file. The same
 * blob asked for twice at once is fetched once; the second one mounts it.
 * @param earlier where an earlier attempt's upload stood
 * @throws {RegistryError} of either side; the upload is left open for the next attempt, unless the route's signal was aborted
 */
export async function copyBlob(
  route: Route,
  blob: Descriptor,
  earlier: UploadPosition | undefined,
  onPosition: OnPosition,
): Promise<CopiedBlob> {
  const { flights } = route.site;
  for (;;) {
    const other = flights.get(blob.digest);
    if (!other) break;
    await other.catch(() => undefined);
    route.signal?.throwIfAborted();
  }
  const flight = bringOver(route, blob, earlier, onPosition);
  flights.set(blob.digest, flight);
  try {
    return await flight;
  } finally {
    flights.delete(blob.digest);
  }
}

async function bringOver(route: Route, blob: Descriptor, earlier: UploadPosition | undefined, onPosition: OnPosition): Promise<CopiedBlob> {
  const { site, target, signal } = route;
  const resumed = earlier && (await resumable(route, blob, earlier));
  const opened = resumed ?? (await mountOrOpen(route, blob));
  if (opened === 'mounted') return { how: 'mounted', bytes: 0, resumedBytes: 0 };
  const release = await acquireTransfer(site.secondary, signal);
  try {
    await sendBlob(route, blob, opened, onPosition);
  } finally {
    release();
  }
  site.homes.add(blob.digest, target);
  return { how: 'copied', bytes: blob.size - opened.offset, resumedBytes: opened.offset };
}

/** The upload of an earlier attempt, if the registry still has it: only the registry knows how much arrived. */
async function resumable(route: Route, blob: Descriptor, earlier: UploadPosition): Promise<Upload | undefined> {
  const status = await uploadStatus(route.site.secondary, earlier.location, route.signal);
  if (status && status.offset > 0 && status.offset <= blob.size) return status;
  // Nothing to go on from, or more than the blob has: such an upload would only lie about.
  if (status) await cancelUpload(route.site.secondary, status.location, route.signal);
  return undefined;
}

async function mountOrOpen(route: Route, blob: Descriptor): Promise<Upload | 'mounted'> {
  const { site, target, signal } = route;
  const home = site.homes.find(blob.digest, target);
  if (home === undefined) return startUpload(site.secondary, target, signal);
  const mounted = await mountBlob(site.secondary, target, blob.digest, home, signal);
  if (mounted !== 'mounted') {
    site.homes.forget(blob.digest, home);
    return mounted;
  }
  // A mount succeeds on a blob whose bytes are gone.
  if (await proveBlob(site.secondary, target, blob, signal)) {
    site.homes.add(blob.digest, target);
    return 'mounted';
  }
  site.homes.forget(blob.digest, home);
  return startUpload(site.secondary, target, signal);
}
