import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { readLimits } from '../../src/model/limits.ts';
import { CONTROL_QUEUE, LIMITS_MEMO, limitsSiteId, SIGNALS, WORKFLOWS } from '../../src/model/names.ts';
import { ended, until, workflowWorld } from './world.ts';

/** The test server that skips time keeps no memo that a workflow changes. */
const world = workflowWorld({ suggestAfterEvents: 100_000 });

describe('limitSite', () => {
  let started = 0;
  const start = (...args: unknown[]) => {
    const workflowId = limitsSiteId(`eu${(started += 1)}`);
    return world.env.client.workflow.start(WORKFLOWS.limitSite, { workflowId, taskQueue: CONTROL_QUEUE, args });
  };
  const memo = async (handle: WorkflowHandle): Promise<unknown> => (await handle.describe()).memo?.[LIMITS_MEMO];
  const comes = (handle: WorkflowHandle, text: string): Promise<void> =>
    until(async () => JSON.stringify((await memo(handle)) ?? null).includes(text));
  it('keeps what it is told in its memo, refuses what cannot be, and ends at `reset`', async () => {
    await world.run({}, async () => {
      const handle = await start({ bytesPerSecond: 1_048_576 });
      await comes(handle, JSON.stringify({ bytesPerSecond: 1_048_576 }));
      expect(await memo(handle)).toEqual({ limits: { bytesPerSecond: 1_048_576 }, refused: null });
      await handle.signal(SIGNALS.change, { transfers: 2 });
      await comes(handle, JSON.stringify({ bytesPerSecond: 1_048_576, transfers: 2 }));
      expect(await memo(handle)).toEqual({ limits: { bytesPerSecond: 1_048_576, transfers: 2 }, refused: null });
      await handle.signal(SIGNALS.change, { transfers: 0, requests: 1 });
      await comes(handle, 'transfers is');
      expect(await memo(handle)).toEqual({
        limits: { bytesPerSecond: 1_048_576, transfers: 2 },
        refused: 'transfers is a whole number from 1 to 1000, and was 0',
      });
      await handle.signal(SIGNALS.change, { transfers: 3 });
      await comes(handle, JSON.stringify({ bytesPerSecond: 1_048_576, transfers: 3 }));
      expect(await memo(handle)).toEqual({ limits: { bytesPerSecond: 1_048_576, transfers: 3 }, refused: null });
      await handle.signal(SIGNALS.reset);
      await ended(handle);
      expect((await handle.describe()).status.name).toBe('COMPLETED');
    });
  });

  it('goes on with what it holds in a new run, whatever comes meanwhile', async () => {
    await world.run({}, async () => {
      const handle = await start();
      for (let n = 1; n <= 250; n++) await handle.signal(SIGNALS.change, n % 2 === 0 ? { requests: n } : { transfers: n });
      const current = world.env.client.workflow.getHandle(handle.workflowId);
      await comes(current, '250');
      expect(await memo(current)).toEqual({ limits: { requests: 250, transfers: 249 }, refused: null });
      expect((await current.describe()).runId).not.toBe(handle.firstExecutionRunId);
      await current.cancel();
      await ended(current);
    });
  });
});

describe('limits that a person wrote', () => {
  it.each([
    [null, /an object/],
    [[], /an object/],
    ['fast', /an object/],
    [{}, /no limit is named/],
    [{ speed: 1 }, /there is no limit "speed"/],
    [{ constructor: 1 }, /there is no limit/],
    [{ requests: 1.5 }, /requests is a whole number/],
    [{ bytesPerSecond: '1MiB' }, /bytesPerSecond is a whole number from 1024/],
    [{ bytesPerSecond: 10 }, /bytesPerSecond is a whole number from 1024/],
    [{ scanRequestsPerSecond: -1 }, /scanRequestsPerSecond is/],
  ])('%j are refused, with what would be right', (written, why) => {
    expect(readLimits(written)).toMatch(why);
  });

  it('are taken one by one', () => {
    expect(readLimits({ requests: 1, scanRequestsPerSecond: 5 })).toEqual({ requests: 1, scanRequestsPerSecond: 5 });
  });
});
