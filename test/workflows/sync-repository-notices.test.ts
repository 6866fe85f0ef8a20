import { describe, expect, it } from '@jest/globals';
import type { WorkflowFailedError, WorkflowHandle } from '@temporalio/client';
import { bulkQueue, SIGNALS, WORKFLOWS } from '../../src/model/names.ts';
import type { PublishManifestsInput } from '../../src/model/steps.ts';
import { FIVE, LATER, NEVER, WORKFLOW, compared, published, plan, differing, gone, repositoryRuns } from './repository-runs.ts';
import { activityError, breathe, digest, ended, until, workflowWorld } from './world.ts';

const world = workflowWorld();
const { notice, scan, scanned, times } = repositoryRuns(world);

describe('notices of tagless events', () => {
  it('become one look, five quiet seconds after the last', async () => {
    const digests = ['1', '2', '3', '4'].map(digest);
    let lastAt = 0;
    let lookedAt = 0;
    await world.run(
      {
        lookAtDigests: async () => {
          lookedAt = await world.env.currentTimeMs();
          return { summary: '', subjects: [] };
        },
      },
      async () => {
        for (const each of digests) {
          await notice({ kind: 'digest', digest: each });
          await world.env.sleep(1_000);
        }
        lastAt = await world.env.currentTimeMs();
        await (await notice({ kind: 'digest', digest: digests[0]! })).result();
      },
    );
    expect(world.names()).toEqual(['lookAtDigests']);
    expect(world.inputs('lookAtDigests')[0]?.digests).toEqual(digests);
    expect(lookedAt - lastAt).toBeGreaterThanOrEqual(4_900);
    expect(lookedAt - lastAt).toBeLessThan(30_000);
  });

  it('wait no longer than a minute while events go on', async () => {
    const sent = 45;
    await world.run({}, async () => {
      for (let n = 0; n < sent; n++) {
        await notice({ kind: 'digest', digest: digest((n % 10).toString()) });
        await world.env.sleep(1_500);
      }
      await (await notice({ kind: 'digest', digest: digest('f') })).result();
    });
    expect(times('lookAtDigests')).toBe(2);
  });

  it('are kept waiting for their flock also where the workflow began long before them', async () => {
    await world.run({}, async () => {
      const handle = await scan({ mode: 'notices' });
      await world.env.sleep(120_000);
      await notice({ kind: 'digest', digest: digest('1') });
      await world.env.sleep(1_000);
      await notice({ kind: 'digest', digest: digest('2') });
      await handle.result();
    });
    expect(world.inputs('lookAtDigests').map(({ digests }) => digests.length)).toEqual([2]);
  });

  it('bring a subject’s referrers over by digest, without a row in the ledger', async () => {
    await world.run({ lookAtDigests: async () => ({ summary: '', subjects: [digest('5')] }) }, async () => {
      const result = await (await notice({ kind: 'digest', digest: digest('1') })).result();
      expect(result.work).toMatchObject({ blobsCopied: 1 });
    });
    expect(world.names()).toEqual(['lookAtDigests', 'enumerateLayers', 'copyBlobs', 'publishManifests']);
    expect(world.inputs('publishManifests')[0]?.images).toEqual([{ digest: digest('5') }]);
  });

  it('compare after a while where a subject could not be brought over', async () => {
    await world.run(
      {
        lookAtDigests: async () => ({ summary: '', subjects: [digest('5')] }),
        publishManifests: async (input) => published(input, input.images[0]?.tag === undefined ? { state: 'failed', failure: LATER } : {}),
      },
      async () => {
        await (await notice({ kind: 'digest', digest: digest('1') })).result();
      },
    );
    expect(times('compareRepository')).toBe(1);
  });

  it('compare after a while where they could not be looked at', async () => {
    await world.run(
      {
        lookAtDigests: async () => {
          throw activityError(LATER);
        },
      },
      async () => {
        await (await notice({ kind: 'digest', digest: digest('1') })).result();
      },
    );
    expect(world.names()).toEqual(['lookAtDigests', 'compareRepository', 'recordScan', ...FIVE]);
  });

  it('are not lost when they come in the last await of a round', async () => {
    const total = 12;
    let sent = 1;
    await world.run(
      {
        lookAtDigests: async () => {
          if (sent < total) await notice({ kind: 'digest', digest: digest((sent++).toString(16)) });
          return { summary: '', subjects: [] };
        },
      },
      async () => {
        await (await notice({ kind: 'digest', digest: digest('0') })).result();
      },
    );
    expect(new Set(world.inputs('lookAtDigests').flatMap(({ digests }) => digests)).size).toBe(total);
  });

  it('are not lost when they come in the last await of a child’s scan', async () => {
    const total = 4;
    let sent = 0;
    await world.run(
      {
        markVerification: async ({ outcomes }) => {
          if (sent++ < total) await notice({ kind: 'compare' });
          return { summary: '', recorded: outcomes.length, overlapping: [] };
        },
      },
      () => scanned(),
    );
    expect(times('compareRepository')).toBe(total + 1);
  });

  it('outlive twenty rounds of a run', async () => {
    const total = 45;
    let sent = 1;
    await world.run(
      {
        compareRepository: async () => {
          if (sent < total) await notice({ kind: 'compare', verify: sent++ === 30 ? 'deep' : 'auto' });
          return compared({});
        },
      },
      async () => {
        const handle = await notice({ kind: 'compare' });
        await handle.result();
        const first = await world.env.client.workflow.getHandle(WORKFLOW.workflowId).describe();
        expect(first.raw.workflowExecutionInfo?.firstRunId ?? '').not.toBe(first.runId);
      },
    );
    expect(times('compareRepository')).toBe(total);
    expect(world.inputs('recordScan').filter(({ verify }) => verify === 'deep')).toHaveLength(1);
  });
});

describe('a comparison that somebody waits for', () => {
  const ASKER = 'asker';

  /** A backfill that runs under the asker's id, and waits for its catalog as long as this lasts. */
  async function asked<T>(body: () => Promise<T>): Promise<unknown[]> {
    const { workflow } = world.env.client;
    const asker = await workflow.start(WORKFLOWS.owner, { workflowId: ASKER, taskQueue: bulkQueue('eu') });
    try {
      await body();
      const { events } = await asker.fetchHistory();
      return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signaled }) =>
        signaled?.signalName === SIGNALS.scanned
          ? [JSON.parse(Buffer.from(signaled.input?.payloads?.[0]?.data ?? []).toString()) as unknown]
          : [],
      );
    } finally {
      await asker.cancel();
      await asker.result().catch(() => undefined);
    }
  }

  it('begins at once and is answered', async () => {
    let events: Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events'];
    const answers = await world.run({}, () =>
      asked(async () => {
        const handle = await notice({ kind: 'compare', verify: 'deep', replyTo: ASKER });
        await ended(handle);
        ({ events } = await handle.fetchHistory());
      }),
    );
    expect(answers).toEqual([expect.objectContaining({ repository: 'app', unsettled: 0, work: expect.objectContaining({ synced: 1 }) })]);
    expect(world.inputs('recordScan').map(({ verify }) => verify)).toEqual(['deep']);
    // The server's clock says little here: it skips ahead while a worker is slow to answer.
    const kinds = (events ?? []).map(({ activityTaskScheduledEventAttributes: activity, timerStartedEventAttributes: timer }) =>
      timer ? 'timer' : activity?.activityType?.name,
    );
    expect(kinds.filter(Boolean).slice(0, 1)).toEqual(['compareRepository']);
  });

  it('has nothing confirmed early unless a person waits', async () => {
    const gone1 = {
      recordScan: async () => ({ summary: '', verify: [], gone: [gone('old')], foreign: 0 }),
      planDeletions: async () => plan({ waiting: 1 }),
    };
    await world.run(gone1, () => asked(async () => (await notice({ kind: 'compare', replyTo: ASKER })).result()));
    expect(world.inputs('planDeletions').map(({ confirmAfterMs }) => confirmAfterMs)).toEqual([600_000]);
    await world.run(gone1, () => asked(async () => (await notice({ kind: 'compare', replyTo: ASKER, once: true })).result()));
    expect(world.inputs('planDeletions').map(({ confirmAfterMs }) => confirmAfterMs)).toEqual([0, 0]);
  });

  it('is answered although failures are left, which the workflow then goes on with', async () => {
    const answers = await world.run(
      {
        fetchManifests: async ({ looks }) => {
          if (times('fetchManifests') === 1) throw activityError(LATER);
          return {
            summary: '',
            images: looks.map(({ tag }) => ({ tag, digest: digest('a'), manifests: 1, blobs: 1, bytes: 1 })),
            absent: [],
            failures: [],
            look: 1,
          };
        },
      },
      () => asked(async () => (await notice({ kind: 'compare', replyTo: ASKER })).result()),
    );
    expect(answers).toEqual([expect.objectContaining({ unsettled: 1 })]);
    expect(times('compareRepository')).toBe(2);
  });

  it('is answered with the failure where the repository cannot be compared', async () => {
    const answers = await world.run(
      {
        compareRepository: async () => {
          if (times('compareRepository') === 1) throw activityError(LATER);
          return compared({});
        },
      },
      () => asked(async () => (await notice({ kind: 'compare', replyTo: ASKER })).result()),
    );
    expect(answers).toEqual([expect.objectContaining({ repository: 'app', failure: LATER })]);
  });

  it('is answered when the workflow is cancelled under it', async () => {
    const answers = await world.run(
      {
        compareRepository: async () => {
          await world.env.client.workflow.getHandle(WORKFLOW.workflowId).cancel();
          await breathe(300);
          return compared({});
        },
      },
      () => asked(async () => (await notice({ kind: 'compare', replyTo: ASKER })).result().catch(() => undefined)),
    );
    expect(answers).toEqual([expect.objectContaining({ failure: expect.objectContaining({ code: 'CANCELLED' }) })]);
  });

  it('does not fail over an asker that has ended', async () => {
    await world.run({}, async () => {
      await (await notice({ kind: 'compare', replyTo: 'nobody' })).result();
    });
    expect(times('compareRepository')).toBe(1);
  });
});

describe('failures, on its own', () => {
  const failing = (rounds: number) => async (input: PublishManifestsInput) =>
    published(input, times('publishManifests') <= rounds ? { state: 'failed', failure: LATER } : {});

  it('back off, doubling, and compare again until all is settled', async () => {
    const at: number[] = [];
    await world.run(
      {
        compareRepository: async () => {
          at.push(await world.env.currentTimeMs());
          return compared({ tags: differing('v1') });
        },
        publishManifests: failing(3),
      },
      async () => {
        const result = await (await notice({ kind: 'compare' })).result();
        expect(result).toMatchObject({ unsettled: 0, work: { failed: 3, synced: 1 } });
      },
    );
    const gaps = at.slice(1).map((time, n) => (time - at[n]!) / 1_000);
    expect(gaps).toHaveLength(3);
    gaps.forEach((gap, n) => {
      expect(gap).toBeGreaterThanOrEqual(2.4 * 2 ** n);
      expect(gap).toBeLessThan(5 * 2 ** n + 2);
    });
  });

  it('are woken by a notice that asks for a comparison', async () => {
    await world.run({ publishManifests: failing(7) }, async () => {
      const handle = await notice({ kind: 'compare' });
      // The seventh back-off is of minutes.
      for (let n = 1; n < 7; n++) {
        await until(async () => {
          await world.env.sleep(1_000);
          return times('compareRepository') > n;
        }, 40_000);
      }
      await until(() => times('markVerification') === 7);
      await notice({ kind: 'compare' });
      // By the machine's clock, on which those minutes do not pass.
      await ended(handle);
    });
    expect(times('compareRepository')).toBe(8);
  });

  it('are compared again in their time although other notices keep coming, the first of them before the failure', async () => {
    const total = 12;
    let sent = 0;
    const another = async (): Promise<void> => {
      if (sent++ < total) await notice({ kind: 'digest', digest: digest('1') });
    };
    const fails = failing(1);
    await world.run(
      {
        publishManifests: async (input) => {
          await another();
          return fails(input);
        },
        lookAtDigests: async () => {
          await another();
          return { summary: '', subjects: [] };
        },
      },
      async () => (await notice({ kind: 'compare' })).result(),
    );
    expect(world.names().lastIndexOf('compareRepository')).toBeLessThan(world.names().lastIndexOf('lookAtDigests'));
  });

  it('of a comparison itself back off too', async () => {
    await world.run(
      {
        compareRepository: async () => {
          if (times('compareRepository') <= 3) throw activityError(LATER);
          return compared({});
        },
      },
      async () => {
        expect(await (await notice({ kind: 'repair' })).result()).toMatchObject({ unsettled: 0 });
      },
    );
    expect(times('compareRepository')).toBe(4);
  });

  it('that no retry can mend fail the workflow, named', async () => {
    await world.run(
      {
        compareRepository: async () => {
          throw activityError(NEVER);
        },
      },
      async () => {
        const failed = (await (await notice({ kind: 'compare' })).result().catch((thrown: unknown) => thrown)) as WorkflowFailedError;
        expect(failed.cause?.cause).toMatchObject({ type: 'DENIED' });
      },
    );
    expect(times('compareRepository')).toBe(1);
  });

  it('a repair notice compares after a back-off, not at once', async () => {
    const started = await world.env.currentTimeMs();
    await world.run({}, async () => {
      await (await notice({ kind: 'repair' })).result();
    });
    expect(world.names()).toEqual(['compareRepository', 'recordScan', ...FIVE]);
    expect((await world.env.currentTimeMs()) - started).toBeGreaterThanOrEqual(2_400);
  });

  it('are still its own after twenty rounds', async () => {
    await world.run({ publishManifests: failing(25) }, async () => {
      const result = await (await notice({ kind: 'compare' })).result();
      expect(result).toMatchObject({ unsettled: 0, work: { synced: 1, failed: 25 } });
    });
    expect(times('compareRepository')).toBe(26);
  });
});

describe('continuing as new', () => {
  const CARRIED = { scan: 'the scan', look: 77, after: 'm', gone: [gone('b')], work: { synced: 5 } as never, unsettled: 1, asked: [] };

  it('carries a scan on from where it was', async () => {
    const result = await world.run({ recordScan: async () => ({ summary: '', verify: [], gone: [gone('x')], foreign: 0 }) }, () =>
      scanned({ carried: { ...CARRIED, asked: [{ kind: 'deleted', tag: 'b', receivedAt: 1 }] } }),
    );
    expect(world.inputs('compareRepository').map(({ after }) => after)).toEqual(['m']);
    expect(world.inputs('recordScan')[0]).toMatchObject({ scan: 'the scan', after: 'm' });
    expect(world.inputs('planDeletions')[0]).toMatchObject({
      candidates: [gone('b'), gone('x')],
      look: 77,
      events: [{ kind: 'deleted', tag: 'b', receivedAt: 1 }],
    });
    expect(result).toMatchObject({ unsettled: 1, work: { synced: 6 } });
  });

  it('does not take a notice that came during a scan for one that the rest of it serves', async () => {
    await world.run({}, () => scanned({ carried: CARRIED, pending: [{ kind: 'compare', receivedAt: 1 }] }));
    expect(world.inputs('compareRepository').map(({ after }) => after)).toEqual(['m', undefined]);
  });

  it('does not carry a scan on that has ended, and keeps a child a child, with its work', async () => {
    const total = 23;
    let sent = 0;
    const result = await world.run(
      {
        publishManifests: async (input) => published(input, times('publishManifests') === 1 ? { state: 'failed', failure: LATER } : {}),
        lookAtDigests: async () => {
          if (++sent < total) await notice({ kind: 'digest', digest: digest('1') });
          return { summary: '', subjects: [] };
        },
      },
      () => scanned({ carried: { ...CARRIED, gone: [] }, pending: [{ kind: 'digest', digest: digest('1'), receivedAt: 1 }] }),
    );
    expect(times('lookAtDigests')).toBe(total);
    expect(times('compareRepository')).toBe(1);
    expect(result).toMatchObject({ unsettled: 2, work: { synced: 5, failed: 1 } });
  });
});
