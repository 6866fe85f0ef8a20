/** Globs that choose names: in if one of `include` and none of `exclude` matches. */
export interface Patterns {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** How closely what lies at a secondary is read: `shallow` proves each blob by its size and last byte, `deep` hashes it. */
export type Depth = 'shallow' | 'deep';

/** What becomes of layers that are fetched from elsewhere, or are not to be handed on: left out (their descriptor stays), or copied where the primary has them. */
export type ForeignLayers = 'skip' | 'copy';

/** Whether manifests that no tag reaches are replicated too. */
export type UntaggedManifests = 'none' | 'all';

/** How long what a tag lost is kept where the policy does not say. */
export const KEEP_MS = 7 * 86_400_000;

/** What the control side decides for a site; it travels in workflow inputs, so that workers need no policy of their own. */
export interface SitePolicy {
  readonly site: string;
  /** Changes with the policy: an outcome tells under which it was made. */
  readonly revision: string;
  /** Who may write: promotion raises it. */
  readonly epoch: number;
  /** The repository's name at the secondary, with `{repository}` for the primary's. */
  readonly path: string;
  readonly repositories: Patterns;
  readonly tags: Patterns;
  readonly deletes: {
    readonly policy: 'guard' | 'mirror' | 'never';
    readonly confirmAfterMs: number;
    /** How long what a tag lost stays tagged at the secondary; 0: not at all. Absent: `KEEP_MS`. */
    readonly keepMs?: number;
  };
  readonly verify: { readonly everyMs: number; readonly depth: Depth };
  /** Absent: `skip`. */
  readonly foreignLayers?: ForeignLayers;
  /** Absent: `none`. */
  readonly untagged?: UntaggedManifests;
}
