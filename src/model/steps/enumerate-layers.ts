import type { Descriptor } from '../descriptor.ts';
import type { Depth } from '../policy.ts';
import type { RepositoryStep, TagFailure, TaggedImage } from './step.ts';

export interface EnumerateLayersInput extends RepositoryStep {
  readonly images: readonly TaggedImage[];
  readonly depth: Depth;
}

export interface EnumerateLayersResult {
  readonly summary: string;
  /** Blobs that the secondary lacks, each once. */
  readonly lacking: readonly Descriptor[];
  /** Tags of images that need one of these. */
  readonly incomplete: readonly string[];
  /** Blobs whose presence was proved by reading them. */
  readonly present: number;
  /** The list was cut: enumerate again after copying these. */
  readonly more: boolean;
  readonly failures: readonly TagFailure[];
}
