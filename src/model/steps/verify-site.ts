import type { Depth, SitePolicy } from '../policy.ts';
import type { Work } from '../work.ts';

/** Where a verification stands in the site's images, which are ordered by repository and tag. */
export interface ImageCursor {
  readonly repository: string;
  readonly tag: string;
}

export interface ImagesToVerifyInput {
  readonly policy: SitePolicy;
  /** The last image of the page before. */
  readonly after?: ImageCursor;
  readonly limit: number;
  /** Which part of the images to choose, by chance: above 0, up to 1. */
  readonly sample: number;
}

export interface ImagesToVerifyResult {
  readonly summary: string;
  /** What the ledger calls synced, one batch a repository. */
  readonly batches: readonly { readonly repository: string; readonly tags: readonly string[] }[];
  /** Absent after the last page. */
  readonly next?: ImageCursor;
}

export interface VerifySiteInput {
  readonly policy: SitePolicy;
  readonly depth: Depth;
  /** Above 0, up to 1: all. */
  readonly sample: number;
  /** Carried over a continue-as-new. */
  readonly carried?: { readonly after?: ImageCursor; readonly paused: boolean; readonly progress: VerifyProgress };
}

export interface VerifyProgress {
  readonly state: 'running' | 'paused' | 'done';
  readonly depth: Depth;
  /** Images read back so far; those whose content was missing or differed, and was mended; those that could not be. */
  readonly images: number;
  readonly repaired: number;
  readonly failed: number;
  /** Those whose tag moved again and again while they were read: neither equal nor broken, and left to their own events. */
  readonly moving?: number;
  readonly work: Work;
}
