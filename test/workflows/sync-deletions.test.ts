import { describe, expect, it } from '@jest/globals';
import { POLICY } from '../support/policy.ts';
import { compared, gone, LATER, plan, planned, repositoryRuns } from './repository-runs.ts';
import { activityError, digest, workflowWorld } from './world.ts';

const world = workflowWorld();
const { notice, scanned, times } = repositoryRuns(world);

describe('deletions', () => {
  const lacking = async () => ({ summary: '', verify: [], gone: [gone('old')], foreign: 0 });
  const empty = async () => compared({ look: 1_000 + times('compareRepository') });

  it('are proved, done and recorded where the ledger approves', async () => {
    const controls = [{ repository: 'app', tag: 'v1', digest: digest('a') }];
    const result = await world.run(
      { compareRepository: empty, recordScan: lacking, planDeletions: async () => plan({ approved: [planned('old')], controls }) },
      () => scanned(),
    );
    expect(world.names()).toEqual(['compareRepository', 'recordScan', 'planDeletions', 'deleteTags', 'recordDeletions']);
    expect(world.inputs('planDeletions')).toEqual([
      expect.objectContaining({ candidates: [gone('old')], events: [], look: 1_001, confirmAfterMs: 600_000 }),
    ]);
    expect(world.inputs('deleteTags')[0]).toMatchObject({ deletions: [planned('old')], controls });
    expect(world.inputs('recordDeletions')[0]?.outcomes).toEqual([{ ...planned('old'), result: 'deleted' }]);
    expect(result.work.deleted).toBe(1);
  });

  it('look again at a tag that came back, and count what was deleted alone', async () => {
    const approved = [planned('old'), planned('back'), planned('held')];
    const results = { old: 'deleted', back: 'back', held: 'held' } as const;
    const result = await world.run(
      {
        compareRepository: empty,
        recordScan: lacking,
        planDeletions: async () => plan({ approved }),
        deleteTags: async ({ deletions }) => ({
          summary: '',
          look: 9,
          outcomes: deletions.map((deletion) => ({ ...deletion, result: results[deletion.tag as keyof typeof results] })),
        }),
      },
      () => scanned(),
    );
    expect(world.inputs('startLook')).toEqual([expect.objectContaining({ repository: 'app', looks: [{ tag: 'back' }], notices: [] })]);
    expect(world.inputs('recordDeletions')[0]).toMatchObject({ look: 9 });
    expect(result.work.deleted).toBe(1);
  });

  it('are asked for fifty at a time', async () => {
    const approved = Array.from({ length: 120 }, (_, n) => planned(`old${n}`));
    await world.run({ compareRepository: empty, recordScan: lacking, planDeletions: async () => plan({ approved }) }, () => scanned());
    expect(world.inputs('deleteTags').map(({ deletions }) => deletions.length)).toEqual([50, 50, 20]);
    expect(times('recordDeletions')).toBe(3);
  });

  it('are decided once for all pages, from the first page’s look', async () => {
    const pages = [compared({ look: 5, next: 'm' }), compared({ look: 6 })];
    await world.run(
      {
        compareRepository: async () => pages[times('compareRepository') - 1]!,
        recordScan: async ({ after }) => ({ summary: '', verify: [], gone: [gone(after === undefined ? 'b' : 'x')], foreign: 0 }),
      },
      () => scanned(),
    );
    expect(world.inputs('planDeletions')).toEqual([expect.objectContaining({ candidates: [gone('b'), gone('x')], look: 5 })]);
  });

  it('that wait for a second listing get it at once where a person waits', async () => {
    const result = await world.run(
      {
        compareRepository: empty,
        recordScan: lacking,
        planDeletions: async () => (times('planDeletions') === 1 ? plan({ waiting: 1 }) : plan({ approved: [planned('old')] })),
      },
      () => scanned({ once: true }),
    );
    expect(world.names()).toEqual([
      ...['compareRepository', 'recordScan', 'planDeletions'],
      ...['compareRepository', 'recordScan', 'planDeletions', 'deleteTags', 'recordDeletions'],
    ]);
    expect(world.inputs('planDeletions').map(({ look, confirmAfterMs }) => [look, confirmAfterMs])).toEqual([
      [1_001, 0],
      [1_002, 0],
    ]);
    expect(new Set(world.inputs('recordScan').map((record) => record.scan)).size).toBe(2);
    expect(result.work.deleted).toBe(1);
  });

  it('of which another digest of ours was found are planned again where a person waits', async () => {
    const result = await world.run(
      {
        compareRepository: empty,
        recordScan: lacking,
        planDeletions: async () => plan({ approved: [planned('old')] }),
        deleteTags: async ({ deletions }) => ({
          summary: '',
          look: 9,
          outcomes: deletions.map((one) => ({ ...one, result: times('deleteTags') === 1 ? ('changed' as const) : ('deleted' as const) })),
        }),
        recordDeletions: async () => ({ summary: '', ...(times('recordDeletions') === 1 ? { again: 1 } : {}) }),
      },
      () => scanned({ once: true }),
    );
    expect(times('deleteTags')).toBe(2);
    expect(result.work.deleted).toBe(1);
  });

  it('that wait for a second listing wait for another scan where nobody does', async () => {
    await world.run({ compareRepository: empty, recordScan: lacking, planDeletions: async () => plan({ waiting: 1 }) }, () => scanned());
    expect(world.names()).toEqual(['compareRepository', 'recordScan', 'planDeletions']);
  });

  it('are not even planned where the policy is never', async () => {
    const policy = { ...POLICY, deletes: { ...POLICY.deletes, policy: 'never' as const } };
    await world.run({ compareRepository: empty, recordScan: lacking }, () => scanned({ policy }));
    expect(world.names()).toEqual(['compareRepository', 'recordScan']);
  });

  it('take delete events as evidence, after a quiet time', async () => {
    const started = await world.env.currentTimeMs();
    await world.run({ compareRepository: empty, recordScan: lacking }, async () => {
      await notice({ kind: 'deleted', tag: 'old' });
      await (await notice({ kind: 'deleted', digest: digest('d') })).result();
    });
    expect(times('compareRepository')).toBe(1);
    expect(world.inputs('planDeletions')[0]?.events).toEqual([
      { kind: 'deleted', tag: 'old', receivedAt: 1 },
      { kind: 'deleted', digest: digest('d'), receivedAt: 1 },
    ]);
    expect((await world.env.currentTimeMs()) - started).toBeGreaterThanOrEqual(5_000);
  });

  it('keep the evidence of a delete event until a comparison succeeds', async () => {
    await world.run(
      {
        compareRepository: async () => {
          if (times('compareRepository') === 1) throw activityError(LATER);
          return empty();
        },
        recordScan: lacking,
      },
      async () => {
        await (await notice({ kind: 'deleted', tag: 'old' })).result();
      },
    );
    expect(world.inputs('planDeletions')[0]?.events).toEqual([{ kind: 'deleted', tag: 'old', receivedAt: 1 }]);
  });
});
