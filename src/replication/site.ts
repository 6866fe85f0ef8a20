import { pacedSession, type PacedSession } from '../registry/paced-session.ts';
import type { Session } from '../registry/session.ts';
import { createRate, type Rate } from '../registry/transport/rate.ts';
import { TwinportError } from '../model/failure.ts';
import { KEEP_MS, type ForeignLayers } from '../model/policy.ts';
import { isRepositoryName, mapRepository } from '../model/reference.ts';
import type { RepositoryStep } from '../model/steps.ts';
import { createBlobHomes, type BlobHomes } from './blob-homes.ts';
import { createManifestCache, type ManifestCache } from './manifest-cache.ts';
import { createRangePlan, type RangePlan } from './range-plan.ts';

/** How a blob came to the secondary; `present`: somebody else brought it meanwhile. */
export interface CopiedBlob {
  readonly how: 'copied' | 'mounted' | 'present';
  /** Bytes sent in this attempt, and bytes that an earlier one had sent. */
  readonly bytes: number;
  readonly resumedBytes: number;
}

/** The two registries of a site, and what a worker remembers of them. */
export interface Site {
  readonly primary: Session;
  readonly secondary: Session;
  readonly manifests: ManifestCache;
  readonly homes: BlobHomes;
  /** How large blobs are read from the primary. */
  readonly plan: RangePlan;
  /** Copies under way, by digest: the same blob is never fetched twice at once. */
  readonly flights: Map<string, Promise<CopiedBlob>>;
  /** Waits while a person has paused the site; absent: nobody can. */
  readonly untilResumed?: (signal: AbortSignal) => Promise<void>;
  /** The same two registries for scans, which keep within a budget of requests where there is one. */
  readonly paced: { readonly primary: PacedSession; readonly secondary: PacedSession };
  /** How fast bytes are read back to be hashed; absent: as fast as they come. */
  readonly deepReads?: Rate;
}

/** One repository on both sides. */
export interface Route {
  readonly site: Site;
  readonly repository: string;
  /** Its name at the secondary. */
  readonly target: string;
  readonly foreignLayers: ForeignLayers;
  /** Whether what a tag of the secondary loses stays tagged for a while. */
  readonly keeps: boolean;
  readonly signal?: AbortSignal;
}

const MANIFEST_CACHE_BYTES = 64 * 1024 * 1024;

/** What a worker lays down for a site: what work that has time may take a second (requests of scans to each of the two registries, bytes read back to be hashed). */
export interface SiteOptions extends Pick<Site, 'untilResumed'> {
  readonly scanRequests?: number | undefined;
  readonly deepBytes?: number | undefined;
}

/** Puts a worker's two sessions together. */
export function createSite(primary: Session, secondary: Session, { scanRequests, deepBytes, untilResumed }: SiteOptions = {}): Site {
  return {
    paced: { primary: pacedSession(primary, scanRequests), secondary: pacedSession(secondary, scanRequests) },
    ...(deepBytes === undefined ? {} : { deepReads: createRate(deepBytes) }),
    ...(untilResumed ? { untilResumed } : {}),
    primary,
    secondary,
    manifests: createManifestCache(MANIFEST_CACHE_BYTES),
    homes: createBlobHomes(),
    plan: createRangePlan(primary.endpoint.limits.transfers),
    flights: new Map(),
  };
}

/** The site as a scan sees it. */
export function scanned(site: Site): Site {
  return { ...site, ...site.paced };
}

/**
 * The way of one repository from the primary to the secondary.
 * @throws {TwinportError} NAME (a name that the specification does not allow, or too long once mapped)
 */
export function routeOf(site: Site, step: RepositoryStep, signal?: AbortSignal): Route {
  const target = mapRepository(step.policy.path, step.repository);
  for (const name of [step.repository, target]) {
    if (!isRepositoryName(name)) {
      throw new TwinportError(
        'NAME',
        `"${name.slice(0, 300)}" is no repository name: lower case, at most 255 bytes, as the OCI distribution specification says`,
      );
    }
  }
  const foreignLayers = step.policy.foreignLayers ?? 'skip';
  const keeps = (step.policy.deletes.keepMs ?? KEEP_MS) > 0;
  return { site, repository: step.repository, target, foreignLayers, keeps, ...(signal ? { signal } : {}) };
}
