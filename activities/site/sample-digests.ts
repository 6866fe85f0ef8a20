import type { SampleDigestsInput, SampleDigestsResult } from '../../src/model/guard-steps.ts';
import { sampleDigests as sample } from '../../src/replication/sample-digests.ts';
import { scanned, type Site } from '../../src/replication/site.ts';
import { runActivity } from './context.ts';

/** Whether the primary still holds what was verified from it. Safe to repeat because it only reads; the heartbeat carries nothing. */
export const sampleDigests =
  (site: Site) =>
  (input: SampleDigestsInput): Promise<SampleDigestsResult> =>
    runActivity(site, input, (signal) => sample(scanned(site), input.sample, signal));
