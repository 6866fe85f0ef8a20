import { describe, expect, it } from '@jest/globals';
import type { Notice } from '../../src/model/steps.ts';
import type { UndoOrder } from '../../src/model/undo-order.ts';
import type { RestoreTagResult } from '../../src/model/guard-steps.ts';
import { compared, differing, FIVE, NEVER, repositoryRuns } from './repository-runs.ts';
import { activityError, breathe, digest, isAskedToEnd, until, workflowWorld, type Scripted } from './world.ts';

const world = workflowWorld();
const { notice, scan, times } = repositoryRuns(world);

const ORDER: UndoOrder = { id: 'u1', tag: 'latest', digest: digest('1'), replaces: digest('2') };
const asked = (order: UndoOrder = ORDER): Omit<Notice, 'receivedAt'> => ({ kind: 'undo', undo: order });
const restored = (change: Partial<RestoreTagResult> = {}): RestoreTagResult => ({ summary: '', result: 'restored', look: 7, ...change });
const LACKING = restored({ result: 'lacking', reason: 'it lacks 1 blob of it', look: 5 });

describe('an undo', () => {
  it('sets the tag back at once, records it, and looks at nothing else', async () => {
    await world.run({ restoreTag: async () => restored({ previous: digest('2') }) }, async () => (await notice(asked())).result());
    expect(world.names()).toEqual(['restoreTag', 'recordUndo']);
    expect(world.inputs('restoreTag')).toMatchObject([{ repository: 'app', order: ORDER }]);
    expect(world.inputs('recordUndo')).toMatchObject([{ repository: 'app', order: ORDER, restored: { previous: digest('2'), look: 7 } }]);
  });

  it('has what the secondary lacks copied from the primary first', async () => {
    await world.run({ restoreTag: async () => (times('restoreTag') === 1 ? LACKING : restored()) }, async () =>
      (await notice(asked())).result(),
    );
    expect(world.names()).toEqual(['restoreTag', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'restoreTag', 'recordUndo']);
    expect(world.inputs('publishManifests')[0]?.images).toEqual([{ digest: digest('1') }]);
    expect(world.inputs('recordUndo')[0]).toMatchObject({ restored: { look: 7 } });
  });

  it('says what both sides lack where nothing can bring it back, and what else stood in its way', async () => {
    const lost = {
      restoreTag: async () => LACKING,
      enumerateLayers: async () => ({
        ...{ summary: '', lacking: [], incomplete: [], present: 0, more: false },
        failures: [{ digest: digest('1'), failure: { ...NEVER, message: 'the primary has no manifest' } }],
      }),
    };
    await world.run(lost, async () => (await notice(asked())).result());
    expect(world.inputs('recordUndo')).toMatchObject([{ reason: expect.stringMatching(/it lacks 1 blob.*the primary has no manifest/) }]);
    expect(world.inputs('recordUndo')[0]).not.toHaveProperty('restored');

    await world.run({ restoreTag: async () => restored({ result: 'changed', reason: 'somebody moved it' }) }, async () =>
      (await notice(asked())).result(),
    );
    expect(world.inputs('recordUndo')).toMatchObject([{ reason: 'somebody moved it' }]);
    expect(world.inputs('recordUndo')[0]).not.toHaveProperty('restored');

    const denied = async (): Promise<never> => {
      throw activityError(NEVER);
    };
    await world.run({ restoreTag: denied }, async () => (await notice(asked())).result());
    expect(world.inputs('recordUndo')).toMatchObject([{ reason: NEVER.message }]);
  });

  it('waits for no scan that runs, and the workflow ends after both', async () => {
    let blocked = true;
    const script = {
      compareRepository: async () => compared({ tags: differing('v1') }),
      copyBlobs: async () => {
        await until(() => !blocked);
        return { summary: '', copied: 1, bytes: 10, resumedBytes: 0, mounted: 0, skipped: 0, failures: [] };
      },
    };
    await world.run(script, async () => {
      const handle = await scan();
      await until(() => times('copyBlobs') === 1);
      await notice(asked());
      // Sent twice, it is done once.
      await notice(asked());
      await until(() => times('recordUndo') === 1);
      expect(times('publishManifests')).toBe(0);
      blocked = false;
      await handle.result();
    });
    expect(times('restoreTag')).toBe(1);
    expect(world.names().filter((name) => FIVE.includes(name))).toEqual(FIVE);
  });

  it('is awaited by a scan that ends before it, and by a notice that comes meanwhile', async () => {
    let blocked = true;
    const script = {
      compareRepository: async () => compared({}),
      restoreTag: async () => {
        await until(() => !blocked);
        return restored();
      },
    };
    await world.run(script, async () => {
      const handle = await notice(asked());
      await until(() => times('restoreTag') === 1);
      await notice({ kind: 'compare' });
      await until(() => times('recordScan') === 1);
      await breathe(200);
      expect((await handle.describe()).status.name).toBe('RUNNING');
      blocked = false;
      await handle.result();
    });
    expect(world.names().at(-1)).toBe('recordUndo');
  });

  it('that is cancelled is recorded as not done', async () => {
    let cancelled = false;
    const restoreTag: Scripted['restoreTag'] = async () => {
      await until(() => cancelled);
      throw activityError(NEVER);
    };
    const script = { restoreTag };
    await world.run(script, async () => {
      const handle = await notice(asked());
      await until(() => times('restoreTag') === 1);
      await handle.cancel();
      await until(() => isAskedToEnd(handle));
      cancelled = true;
      await expect(handle.result()).rejects.toThrow();
    });
    expect(world.inputs('recordUndo')).toMatchObject([{ order: ORDER, reason: expect.any(String) }]);
    expect(world.inputs('recordUndo')[0]).not.toHaveProperty('restored');
  });
});
