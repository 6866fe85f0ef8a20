import type { Digest } from '../digest.ts';
import type { Failure } from '../failure.ts';
import type { Referrers } from '../referrers.ts';
import type { BlobFailure } from './copy-blobs.ts';
import type { RepositoryStep, TaggedImage } from './step.ts';

export interface PublishManifestsInput extends RepositoryStep {
  readonly images: readonly TaggedImage[];
  /**
   * Which tags that stand for something else may be overwritten: `proven`, those of which the primary still holds what they stood for, as after any
   * push; `never`, none. Absent: all, for who asked has sampled the primary.
   */
  readonly overwrite?: 'proven' | 'never';
  readonly failedBlobs: readonly BlobFailure[];
}

export interface PublishedImage extends TaggedImage {
  /**
   * `verified`: read on both sides, equal; `moved`: the primary's tag is now another digest; `gone`: the primary's tag is
   * no more; `incomplete`: the secondary lost content meanwhile, another round mends it; `doubtful`: the tag stands for something else that this
   * round may not overwrite, so that a scan must decide.
   */
  readonly state: 'verified' | 'moved' | 'gone' | 'incomplete' | 'doubtful' | 'failed';
  /** The digest that the secondary's tag held before and lost. */
  readonly previous?: Digest;
  /** Why that digest could not be kept under a tag of its own. */
  readonly unkept?: string;
  /** Not `verified`, and the secondary's tag may hold the image's digest all the same: it was put, or its put was never answered. */
  readonly put?: true;
  /** Something was put at the secondary. */
  readonly changed: boolean;
  readonly bytes: number;
  readonly failure?: Failure;
  /** What refers to it; only of what is `verified`. */
  readonly referrers?: Referrers;
}

export interface PublishManifestsResult {
  readonly summary: string;
  readonly images: readonly PublishedImage[];
  /** When the attempt that read both sides was scheduled. */
  readonly look: number;
  /** An attempt before this one was given up: what it had put on its way may still arrive. */
  readonly repeated?: true;
}
