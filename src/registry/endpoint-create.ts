/** How a repository (or what holds it) is made where a registry wants that before the first push; each kind knows some of these. */
export interface CreateOptions {
  /** Everybody may pull. */
  readonly public?: boolean;
  /** A tag that was pushed cannot be moved any more. */
  readonly immutableTags?: boolean;
  readonly scanOnPush?: boolean;
  /** The key that encrypts it, as the cloud names it. */
  readonly kmsKey?: string;
  /** The cloud's own tags or labels. */
  readonly tags?: Readonly<Record<string, string>>;
  /** In bytes. */
  readonly storageLimit?: number;
}

export type CreateKey = keyof CreateOptions;
