import type { Digest } from '../../model/digest.ts';
import type { Session } from '../session.ts';

/** Which part of a list of repositories. */
export interface CatalogOptions {
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** At most 1,000 are asked for. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** A part of a list of repositories: names as served; `next` is opaque, and absent at the end. */
export interface CatalogPage {
  readonly repositories: string[];
  readonly next?: string;
}

/** What became of a tag that was to be taken away; `refused`: the registry deletes nothing; `unsupported`: it cannot take away one tag alone. */
export type Untagged = 'deleted' | 'absent' | 'refused' | 'unsupported';

/**
 * What a kind of registry does by an API of its own, beside `/v2/`: a file each in the kind's folder, put together in its `index.ts`. All of it is
 * optional, and each function may answer `undefined` for "not this server" (an older version, the API closed to these credentials): then the general
 * way over `/v2/` is taken. A failure is thrown, never answered with an empty list.
 */
export interface OwnApi {
  /** A page of all repositories, where `_catalog` is closed or incomplete. */
  listRepositories?(session: Session, options: CatalogOptions): Promise<CatalogPage | undefined>;
  /** All tags of a repository with their digests, in few requests; a repository without tags, or unknown, is an empty map only if the API says so. */
  listTagDigests?(session: Session, repository: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Digest> | undefined>;
  /**
   * What the API knows of these tags' digests, where its list of tags may lack some (pages by number, signatures left out): `tags/list` told which
   * there are, and whoever is missing here is asked for by HEAD.
   */
  knownDigests?(
    session: Session,
    repository: string,
    tags: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, Digest> | undefined>;
  /** Manifests of a repository that no tag names. */
  listUntagged?(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined>;
  /** Makes a repository ready to be pushed to, with the endpoint's `create` settings; one that is there already is left as it is. */
  createRepository?(session: Session, repository: string, signal?: AbortSignal): Promise<void>;
  /** Deletes a manifest where `/v2/` does not; asked for one that has never been, it says whether it would. */
  deleteManifest?(session: Session, repository: string, digest: Digest, signal?: AbortSignal): Promise<'deleted' | 'absent' | undefined>;
  /** Takes one tag away, and nothing else. */
  untag?(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged | undefined>;
}
