import { setTimeout as sleep } from 'node:timers/promises';
import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { failureOf } from '../model/failure.ts';
import type { Depth } from '../model/policy.ts';
import type { BlobFailure, CopyBlobsResult, CopyHeartbeat, UploadPosition } from '../model/steps.ts';
import { count, formatBytes } from '../model/text.ts';
import { ensureRepository } from '../registry/repositories.ts';
import { cancelUpload } from '../registry/uploads.ts';
import { concurrently } from './concurrently.ts';
import { copyBlob } from './copy-blob.ts';
import { ONE_PUT_BYTES } from './send-blob.ts';
import { holdsBlob } from './holds-blob.ts';
import type { Route } from './site.ts';

const BLOBS_AT_ONCE = 16;

export interface CopyBlobsOptions {
  /** What the last attempt's heartbeat said, if this is not the first. */
  readonly earlier: CopyHeartbeat | undefined;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** Called whenever something moved. */
  readonly onProgress: (heartbeat: CopyHeartbeat) => void;
  /** Why the route's signal was aborted, which decides what becomes of open uploads. */
  readonly ended: () => Ended;
  /** Whoever is replaced was not heard for so long, in milliseconds: of an upload that it opened since, nobody else knows. 0 if absent. */
  readonly unheardMs?: number | undefined;
  /** Whether another attempt will go on with the uploads that are open after these failures; it will if this is absent. */
  readonly goesOn?: (failures: readonly BlobFailure[]) => Promise<boolean>;
  /** How what was copied is read back; `shallow` if absent. */
  readonly depth?: Depth | undefined;
}

/**
 * `cancelled`: all uploads are removed. `replaced`: another attempt runs, and goes on with what it knows of and can go on with; the rest is removed.
 * `handed-over`: another one will run, and all are left to it.
 */
export type Ended = 'cancelled' | 'replaced' | 'handed-over';

/**
 * Copies blobs to the secondary, several at once. Safe to repeat: uploads go on where the registry says they stand, and what an earlier attempt
 * finished is found by reading it.
 * @returns the work of all attempts; blobs that failed are listed, the others are there
 */
export async function copyBlobs(route: Route, blobs: readonly Descriptor[], options: CopyBlobsOptions): Promise<CopyBlobsResult> {
  const state = openState(options);
  const depth = options.depth ?? 'shallow';
  const failures: BlobFailure[] = [];
  let resumedBytes = 0;
  let skipped = 0;
  if (blobs.length > 0) await ensureRepository(route.site.secondary, route.target, route.signal);
  try {
    await concurrently(blobs, BLOBS_AT_ONCE, async (blob) => {
      try {
        const earlier = state.earlier(blob.digest);
        if (options.attempt > 1 && !earlier && (await holdsBlob(route, blob, depth))) {
          skipped += 1;
          return;
        }
        const done = await copyBlob(route, blob, earlier, (position) => state.move(blob.digest, position), depth);
        resumedBytes += done.resumedBytes;
        if (done.how === 'present') skipped += 1;
        else state.finish(done.how, blob.size);
      } catch (thrown) {
        route.signal?.throwIfAborted();
        const failure = failureOf(thrown);
        failures.push({ digest: blob.digest, failure });
        if (failure.retry !== 'now') await removeUpload(route, state, blob.digest);
      }
    });
  } catch (thrown) {
    await abandon(route, state, blobs, options);
    throw thrown;
  }
  // Nobody would know of them any more, and on a full disk they are what keeps it full.
  if (state.open.size > 0 && (await options.goesOn?.(failures)) === false)
    await abandon(route, state, blobs, route.signal?.aborted ? options : { ended: () => 'cancelled' });
  const { copied, mounted, bytes } = state.done;
  const summary = summarize({ copied, mounted, bytes, resumedBytes, failed: failures.length });
  return { summary, copied, bytes, resumedBytes, mounted, skipped, failures };
}

interface State {
  readonly open: Map<Digest, UploadPosition>;
  readonly done: { bytes: number; copied: number; mounted: number };
  /** How long ago this attempt opened the blob's upload, in milliseconds; for ever if an earlier one did. */
  ageMs(digest: Digest): number;
  earlier(digest: Digest): UploadPosition | undefined;
  move(digest: Digest, position: UploadPosition | undefined): void;
  finish(how: 'copied' | 'mounted', size: number): void;
}

function openState(options: CopyBlobsOptions): State {
  const { earlier, attempt, onProgress } = options;
  const inherited = new Map((earlier?.uploads ?? []).map((position) => [position.digest, position]));
  const open = new Map(inherited);
  const done = { bytes: earlier?.bytes ?? 0, copied: earlier?.copied ?? 0, mounted: earlier?.mounted ?? 0 };
  let progressAttempt = earlier?.progressAttempt ?? 0;
  const openedAt = new Map<Digest, number>();
  const tell = (): void => onProgress({ uploads: [...open.values()], ...done, progressAttempt });
  return {
    open,
    done,
    ageMs: (digest) => performance.now() - (openedAt.get(digest) ?? Number.NEGATIVE_INFINITY),
    earlier: (digest) => inherited.get(digest),
    move(digest, position) {
      const before = open.get(digest);
      // A copy that begins anew and dies at the same place each time gets nowhere, however much it sends.
      const furthest = before?.furthest ?? before?.offset ?? 0;
      if (position?.offset === 0 && position.location !== before?.location) openedAt.set(digest, performance.now());
      if (position) open.set(digest, { ...position, furthest: Math.max(furthest, position.offset) });
      else open.delete(digest);
      if (position && before && position.offset > furthest) progressAttempt = attempt;
      tell();
    },
    finish(how, size) {
      done[how] += 1;
      if (how === 'copied') done.bytes += size;
      progressAttempt = attempt;
      tell();
    },
  };
}

async function abandon(
  route: Route,
  state: State,
  blobs: readonly Descriptor[],
  options: Pick<CopyBlobsOptions, 'ended' | 'unheardMs'>,
): Promise<void> {
  const ended = options.ended();
  if (ended === 'handed-over') return;
  const resumable = new Set(blobs.filter(({ size }) => size > ONE_PUT_BYTES).map(({ digest }) => digest));
  // A worker that wakes may begin what was given up while it slept: no heartbeat of its new uploads was heard.
  const known = (digest: Digest): boolean => resumable.has(digest) && state.ageMs(digest) >= (options.unheardMs ?? 0);
  const ours = [...state.open.keys()].filter((digest) => ended === 'cancelled' || !known(digest));
  await Promise.all(ours.map((digest) => removeUpload(route, state, digest)));
}

/** How long a registry that fails in passing is asked again to remove an upload; a cancelled activity waits for it. */
const REMOVE_MS = 3_000;
const REMOVE_AGAIN_MS = 500;

/** Best effort, and outside of the aborted signal: an upload that stays is purged by its registry in time. */
async function removeUpload(route: Route, state: State, digest: Digest): Promise<void> {
  const position = state.open.get(digest);
  if (!position) return;
  state.open.delete(digest);
  const signal = AbortSignal.timeout(REMOVE_MS);
  while (!signal.aborted) {
    try {
      return await cancelUpload(route.site.secondary, position.location, signal);
    } catch (thrown) {
      if (failureOf(thrown).retry !== 'now') return;
    }
    await sleep(REMOVE_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

function summarize(work: { copied: number; mounted: number; bytes: number; resumedBytes: number; failed: number }): string {
  const parts = [`${count(work.copied, 'blob')} copied (${formatBytes(work.bytes)})`];
  if (work.resumedBytes > 0) parts.push(`resumed at ${formatBytes(work.resumedBytes)}`);
  if (work.mounted > 0) parts.push(`${work.mounted} mounted`);
  if (work.failed > 0) parts.push(`${work.failed} failed`);
  return parts.join(', ');
}
