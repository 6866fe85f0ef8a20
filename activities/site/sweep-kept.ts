import type { SweepKeptInput, SweepKeptResult } from '../../src/model/guard-steps.ts';
import { sweepKept as sweep } from '../../src/replication/keep.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { runActivity } from './context.ts';

/** Takes away tags that have kept what others lost for long enough. Safe to repeat because one that is gone stays gone. */
export const sweepKept =
  (site: Site) =>
  (input: SweepKeptInput): Promise<SweepKeptResult> =>
    runActivity(site, input, (signal) => sweep(routeOf(site, input, signal), input.tags));
