import { expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { controlActivities } from '../../activities/control/index.ts';
import type { ImageOutcome } from '../../src/model/steps.ts';
import { policyOf, synced, useLedger } from '../ledger/support.ts';

const use = useLedger();

it('tells how long a pushed image took, and not of what failed or was only found by a scan', async () => {
  const told: [string, number][] = [];
  const { markVerification } = controlActivities({
    ledger: use.ledger,
    startLook: async () => undefined,
    startScheduled: async () => undefined,
    onVerified: (site, seconds) => told.push([site, seconds]),
  });
  const at = 1_000_000_000_000;
  const outcomes: ImageOutcome[] = [
    synced('pushed', 1, at - 100, { receivedAt: at - 1_500 }),
    synced('scanned', 1, at - 100),
    { tag: 'failed', sync: 'failed', verification: 'pending', look: at - 100, receivedAt: at - 1_500 },
    // The receiver's clock is ahead of Temporal's.
    synced('early', 1, at - 100, { receivedAt: at + 5_000 }),
  ];
  const activity = new MockActivityEnvironment({ scheduledTimestampMs: at });
  await activity.run(markVerification, { policy: policyOf('eu'), repository: 'app', outcomes });
  expect(told).toEqual([
    ['eu', 1.5],
    ['eu', 0],
  ]);
});
