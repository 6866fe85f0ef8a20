import type { FetchManifestsInput, FetchManifestsResult } from '../../src/model/steps.ts';
import { fetchManifests as fetch } from '../../src/replication/fetch-manifests.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { runActivity, scheduledAt, settleBatch } from './context.ts';

/** What the primary holds: digest, closure, bytes. Safe to repeat because it only reads; the heartbeat carries nothing. */
export const fetchManifests =
  (site: Site) =>
  (input: FetchManifestsInput): Promise<FetchManifestsResult> =>
    runActivity(site, input, async (signal) =>
      settleBatch({ ...(await fetch(routeOf(site, input, signal), input.looks, input.companions)), look: scheduledAt() }),
    );
