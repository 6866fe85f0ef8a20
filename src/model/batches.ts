import type { Descriptor } from './descriptor.ts';

/** Images of one repository that go through the five activities together. */
export const BATCH_IMAGES = 100;
/** Comparisons of many repositories that a worker makes at a time. */
export const SCANS_A_WORKER = 2;

/** A blob above this has an activity, and a heartbeat, of its own. */
export const LARGE_BLOB_BYTES = 64 * 1024 * 1024;

/** Small blobs of one activity: few enough to be retried together. */
const BATCH_BYTES = 1024 * 1024 * 1024;
const BATCH_BLOBS = 2_000;

/** Cuts a list into runs of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let at = 0; at < items.length; at += size) out.push(items.slice(at, at + size));
  return out;
}

/** Cuts a list into as few runs of at most `most` as there can be, of about the same size: what is worked on side by side ends together. */
export function evenChunks<T>(items: readonly T[], most: number): T[][] {
  return chunks(items, Math.ceil(items.length / Math.ceil(items.length / most)));
}

/** Small blobs together, large ones alone. */
export function blobBatches(blobs: readonly Descriptor[]): { small: Descriptor[][]; large: Descriptor[] } {
  const large = blobs.filter((blob) => blob.size > LARGE_BLOB_BYTES);
  const small: Descriptor[][] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (blob.size > LARGE_BLOB_BYTES) continue;
    const last = small.at(-1);
    if (!last || last.length >= BATCH_BLOBS || bytes + blob.size > BATCH_BYTES) {
      small.push([blob]);
      bytes = blob.size;
    } else {
      last.push(blob);
      bytes += blob.size;
    }
  }
  return { small, large };
}
