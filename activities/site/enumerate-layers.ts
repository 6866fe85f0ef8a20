import type { EnumerateLayersInput, EnumerateLayersResult } from '../../src/model/steps.ts';
import { enumerateLayers as enumerate } from '../../src/replication/enumerate-layers.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { runActivity, settleBatch } from './context.ts';

/** What the secondary lacks, presence proved by reading. Safe to repeat because it only reads; the heartbeat carries nothing. */
export const enumerateLayers =
  (site: Site) =>
  (input: EnumerateLayersInput): Promise<EnumerateLayersResult> =>
    runActivity(site, input, async (signal) => settleBatch(await enumerate(routeOf(site, input, signal), input.images, input.depth)));
