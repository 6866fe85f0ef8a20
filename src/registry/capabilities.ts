/** What a registry can do, as far as it has been seen or is known of its kind; `undefined`: not known yet. */
export interface Capabilities {
  /** It answers the referrers API. */
  referrers?: boolean;
  /** A blob can be sent as one PATCH of no stated length, which may end early and cleanly. */
  patch?: boolean;
  /** A blob can be posted in a single request. */
  singlePost?: boolean;
  /** One of several tags can be deleted alone. */
  deleteTag?: boolean;
  /** Blobs can be mounted from other repositories. */
  mount?: boolean;
}
