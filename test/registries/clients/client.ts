import type { Name } from '../registries.ts';

/** Where a client works. */
export interface Place {
  /** host:port; all speak http. */
  readonly registry: string;
  readonly name: Name;
  /** An empty folder of the client's own. */
  readonly folder: string;
}

/** A secondary, and how the primary's repositories are called there. */
export interface Mirror extends Place {
  readonly named: (repository: string) => string;
  /** The primary, and the folder in which the client pushed to it. */
  readonly primary: Place;
}

/** What people do with a client, on one registry and on the copy. */
export interface Client {
  /** What must be installed. */
  readonly programs: readonly string[];
  /** Fills these repositories, and no others. */
  readonly repositories: readonly string[];
  push(place: Place): Promise<void>;
  /** Pulls from the copy, and throws unless it is what was pushed. */
  pull(mirror: Mirror): Promise<void>;
  /** Tags (`repository:tag`) of a primary that a secondary does not take, for good. */
  refused?(from: Name, to: Name): readonly string[];
}
