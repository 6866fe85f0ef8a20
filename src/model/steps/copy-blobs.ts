import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import type { Failure } from '../failure.ts';
import type { Depth } from '../policy.ts';
import type { RepositoryStep } from './step.ts';

export interface CopyBlobsInput extends RepositoryStep {
  readonly blobs: readonly Descriptor[];
  /** How what was copied is read back: a registry may keep a broken file and throw away what was sent. Absent: `shallow`. */
  readonly depth?: Depth;
  /** The secondary held them before, and lost or broke them. */
  readonly heals?: true;
}

export interface BlobFailure {
  readonly digest: Digest;
  readonly failure: Failure;
}

export interface CopyBlobsResult {
  readonly summary: string;
  readonly copied: number;
  readonly bytes: number;
  /** Of the bytes, those that an earlier attempt had already brought over. */
  readonly resumedBytes: number;
  readonly mounted: number;
  /** Found present after all. */
  readonly skipped: number;
  readonly failures: readonly BlobFailure[];
}

/** Where the upload of a blob stands; carried by heartbeats, so that a new attempt goes on from there. */
export interface UploadPosition {
  readonly digest: Digest;
  readonly location: string;
  readonly offset: number;
  /** The most bytes of the blob that any attempt has sent: only what goes beyond is progress. */
  readonly furthest?: number;
}

/** What `copyBlobs` heartbeats. */
export interface CopyHeartbeat {
  readonly uploads: readonly UploadPosition[];
  /** Done in all attempts so far. */
  readonly bytes: number;
  readonly copied: number;
  readonly mounted: number;
  /** The last attempt that moved anything: attempts without progress are what is limited. */
  readonly progressAttempt: number;
}
