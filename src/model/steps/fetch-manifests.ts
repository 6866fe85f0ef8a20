import type { Look, RepositoryStep, TagFailure, TaggedImage } from './step.ts';

export interface FetchManifestsInput extends RepositoryStep {
  readonly looks: readonly Look[];
  /** Also fetch what accompanies each image under tags of its own (fallback index, cosign). */
  readonly companions: boolean;
}

export interface FetchedImage extends TaggedImage {
  readonly manifests: number;
  readonly blobs: number;
  /** Of all content, each blob once. */
  readonly bytes: number;
  /** The event's digest is not what the tag holds: too early, or already replaced. */
  readonly unexpected?: boolean;
}

export interface FetchManifestsResult {
  readonly summary: string;
  readonly images: readonly FetchedImage[];
  /** Tags that the primary does not hold (404). */
  readonly absent: readonly string[];
  readonly failures: readonly TagFailure[];
  /** When the attempt that read the primary was scheduled. */
  readonly look: number;
}
