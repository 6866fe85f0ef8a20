import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** The ledger activities and `startLook` run here. */
export const CONTROL_QUEUE = 'twinport-control';

/** The lanes of a site: a push never waits for a slot that a long blob holds. */
export const pushQueue = (site: string): string => `twinport-${site}-push`;
export const bulkQueue = (site: string): string => `twinport-${site}-bulk`;
/** Comparisons of many repositories, of which a worker takes few at a time, so that all workers have some. */
export const scanQueue = (site: string): string => `twinport-${site}-scan`;

/** Workflow ids over this many bytes do not fit Temporal's SQL stores, which then call themselves unavailable. */
const MAX_ID_BYTES = 200;
const KEPT_BYTES = 120;
/** `~` and 32 digits. */
const HASH_BYTES = 33;

export const syncImageId = (site: string, repository: string, tag: string): string => fitId(`sync/${site}/`, `${repository}:${tag}`);
export const syncRepositoryId = (site: string, repository: string): string => fitId(`sync-repository/${site}/`, repository);
export const backfillSiteId = (site: string): string => fitId('backfill/', site);
export const verifySiteId = (site: string): string => fitId('verify/', site);
export const pauseSiteId = (site: string): string => fitId('pause/', site);
export const limitsSiteId = (site: string): string => fitId('limits/', site);
export const tickId = (site: string, kind: string): string => fitId(`tick/${site}/`, kind);
export const OWNER_ID = 'twinport/owner';

/** Where `limitSite` keeps what it was told: readable while no worker runs. */
export const LIMITS_MEMO = 'limits';

/** Priorities inside the bulk lane; Temporal's scale is 1 (first) to 5 (last). */
export const PRIORITY = { repair: 1, backfill: 3, verify: 5 } as const;

export const SEARCH_ATTRIBUTES = { site: 'TwinportSite', repository: 'TwinportRepository' } as const;

/** Signals, by the workflow that listens. */
export const SIGNALS = {
  /** `syncImage`: look at the tag; carries a `Look`. */
  pushed: 'pushed',
  /** `syncImage`: do not wait for the back-off. */
  retry: 'retry',
  /** `syncRepository`: a tagless push, a delete, or a request to compare; carries a `Notice`. */
  noticed: 'noticed',
  /** `backfillSite`: a comparison that it asked of a running `syncRepository` is over. */
  scanned: 'scanned',
  /** `backfillSite`: a scan was asked for while one runs; carries the input of the one that is to follow. */
  again: 'again',
  pause: 'pause',
  resume: 'resume',
  /** `limitSite`: some limits are others from now on; carries `SiteLimits`. */
  change: 'change',
  /** `limitSite`: all limits are the configured ones again. */
  reset: 'reset',
} as const;

/** Queries. */
export const QUERIES = { progress: 'progress' } as const;

/** Workflow types. */
export const WORKFLOWS = {
  syncImage: 'syncImage',
  syncRepository: 'syncRepository',
  backfillSite: 'backfillSite',
  verifySite: 'verifySite',
  pauseSite: 'pauseSite',
  limitSite: 'limitSite',
  tick: 'tick',
  owner: 'owner',
} as const;

/** `<prefix><first 120 bytes>~<32 hex of SHA-256>` where the id would be too long; fewer bytes where the prefix is long itself. */
function fitId(prefix: string, rest: string): string {
  const prefixBytes = utf8ToBytes(prefix).length;
  if (prefixBytes + utf8ToBytes(rest).length <= MAX_ID_BYTES) return prefix + rest;
  const room = MAX_ID_BYTES - HASH_BYTES - prefixBytes;
  return room >= 0 ? `${prefix}${shortened(rest, Math.min(KEPT_BYTES, room))}` : shortened(prefix + rest, KEPT_BYTES);
}

function shortened(text: string, keptBytes: number): string {
  const bytes = utf8ToBytes(text);
  // A letter that the cut went through is left out.
  const kept = new TextDecoder().decode(bytes.slice(0, keptBytes)).replace(/\uFFFD$/, '');
  return `${kept}~${bytesToHex(sha256(bytes)).slice(0, HASH_BYTES - 1)}`;
}
