import { createHash } from 'node:crypto';
import { KEEP_MS, type SitePolicy } from '../model/policy.ts';
import type { Endpoint } from '../registry/endpoint.ts';
import { buildEndpoint } from './endpoint.ts';
import { findLoop } from './mirror-loop.ts';
import type { KeyPath } from './problems.ts';
import { hostAndPort } from './registry-url.ts';
import type { Resolution } from './resolve.ts';
import type { SecondarySection } from './schema/sites.ts';
import type { SiteConfig } from './twinport-config.ts';

/** How soon after the end of a scan the next begins, at most: a tick that finds one running joins it. */
const CONTINUOUS_MS = 60_000;
const CONTINUOUS_REQUESTS = 50;

/**
 * Makes a site of a checked section and its primary.
 * @returns `undefined` after noting a problem
 */
export function buildSite(
  written: SecondarySection,
  primary: Endpoint,
  options: { readonly credentials: boolean },
  path: KeyPath,
  resolution: Resolution,
): SiteConfig | undefined {
  const endpoint = buildEndpoint(written, { name: written.name, side: 'secondary', ...options }, path, resolution);
  if (!endpoint) return undefined;
  const policy = buildPolicy(written);
  if (hostAndPort(endpoint.url) === hostAndPort(primary.url)) {
    const loop = findLoop(policy);
    if (loop !== undefined) resolution.problems.push({ path: [...path, 'url'], found: JSON.stringify(endpoint.url), want: loop });
  }
  return {
    name: written.name,
    endpoint,
    primary,
    policy,
    limits: endpoint.limits,
    backfill: buildBackfill(written.backfill),
    ...(written.verify.bytesPerSecond === undefined ? {} : { verify: { bytesPerSecond: written.verify.bytesPerSecond } }),
    fingerprint: sha256(JSON.stringify([primary.url, endpoint.url, written.path])),
  };
}

/** Scans that follow each other without a budget would be all that the registries do. */
function buildBackfill({ every, requestsPerSecond }: SecondarySection['backfill']): SiteConfig['backfill'] {
  const continuous = every === 'continuous';
  const budget = requestsPerSecond ?? (continuous ? CONTINUOUS_REQUESTS : undefined);
  return { everyMs: continuous ? CONTINUOUS_MS : every, ...(budget === undefined ? {} : { requestsPerSecond: budget }) };
}

function buildPolicy(written: SecondarySection): SitePolicy {
  const policy: Omit<SitePolicy, 'revision'> = {
    site: written.name,
    epoch: 1,
    path: written.path,
    repositories: written.repositories,
    tags: written.tags,
    deletes: {
      policy: written.deletes.policy,
      confirmAfterMs: written.deletes.confirmAfter,
      ...(written.deletes.keep === KEEP_MS ? {} : { keepMs: written.deletes.keep }),
    },
    verify: { everyMs: written.verify.every, depth: written.verify.depth },
    // Left out where they are the default: a policy that did not change keeps its revision.
    ...(written.foreignLayers === 'skip' ? {} : { foreignLayers: written.foreignLayers }),
    ...(written.untagged === 'none' ? {} : { untagged: written.untagged }),
  };
  return { ...policy, revision: sha256(JSON.stringify(policy)).slice(0, 12) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
