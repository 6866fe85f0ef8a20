import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { pushQueue, SIGNALS, syncImageId, WORKFLOWS } from '../../src/model/names.ts';
import type { Look, PublishManifestsInput, SyncImageInput, SyncImageResult } from '../../src/model/steps.ts';
import { POLICY } from '../support/policy.ts';
import { digest, NOTHING_LACKS, until, workflowWorld } from './world.ts';

const world = workflowWorld();
const FIVE = ['fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'markVerification'];

type SyncImage = (input: SyncImageInput) => Promise<SyncImageResult>;

function push(tag: string, look: Omit<Look, 'tag'> = {}) {
  return world.env.client.workflow.signalWithStart<SyncImage, [Look]>(WORKFLOWS.syncImage, {
    workflowId: syncImageId('eu', 'app', tag),
    taskQueue: pushQueue('eu'),
    args: [{ policy: POLICY, repository: 'app', tag }],
    signal: SIGNALS.pushed,
    signalArgs: [{ tag, ...look }],
  });
}

describe('syncImage', () => {
  it('runs the five activities in their order, and ends', async () => {
    await world.run({}, async () => {
      const result = await (await push('v1', { digest: digest('a') })).result();
      expect(result).toMatchObject({ digest: digest('a'), rounds: 1 });
    });
    expect(world.names()).toEqual(FIVE);
    expect(world.outcomes).toEqual([
      expect.objectContaining({ tag: 'v1', digest: digest('a'), sync: 'synced', verification: 'succeeded' }),
    ]);
  });

  it('skips copyBlobs where nothing lacks', async () => {
    await world.run({ enumerateLayers: async () => NOTHING_LACKS }, async () => {
      await (await push('v1')).result();
    });
    expect(world.names()).toEqual(FIVE.filter((name) => name !== 'copyBlobs'));
  });

  it('enumerates again where the list of lacking blobs was cut', async () => {
    let asked = 0;
    await world.run(
      {
        enumerateLayers: async () => {
          asked += 1;
          return {
            summary: '',
            lacking: [{ mediaType: '', digest: digest(String(asked)), size: 1 }],
            incomplete: [],
            present: 0,
            more: asked < 3,
            failures: [],
          };
        },
      },
      async () => {
        await (await push('v1')).result();
      },
    );
    expect(world.names().filter((name) => name === 'copyBlobs')).toHaveLength(3);
  });

  it('coalesces a burst into a handful of rounds and ends on the last digest', async () => {
    const pushes = 200;
    let at = 0;
    await world.run(
      {
        fetchManifests: async ({ looks }) => {
          await new Promise((done) => setTimeout(done, 150));
          return {
            summary: '',
            images: [
              {
                tag: looks[0]?.tag ?? '',
                digest: looks[0]?.digest ?? world.outcomes.at(-1)?.digest ?? digest('0'),
                manifests: 1,
                blobs: 1,
                bytes: 1,
              },
            ],
            absent: [],
            failures: [],
            look: ++at,
          };
        },
      },
      async () => {
        let handle;
        for (let n = 0; n < pushes; n++) handle = await push('latest', { digest: `sha256:${n.toString(16).padStart(64, '0')}` });
        await handle?.result();
      },
    );
    const rounds = world.names().filter((name) => name === 'fetchManifests').length;
    expect(rounds).toBeLessThan(25);
    expect(world.outcomes.at(-1)?.digest).toBe(`sha256:${(pushes - 1).toString(16).padStart(64, '0')}`);
  });

  it('loses no signal that comes while the round is being recorded', async () => {
    const total = 30;
    let next = 1;
    await world.run(
      {
        fetchManifests: async ({ looks }) => ({
          summary: '',
          images: [{ tag: 'v1', digest: looks[0]?.digest ?? digest('0'), manifests: 1, blobs: 0, bytes: 1 }],
          absent: [],
          failures: [],
          look: next,
        }),
        // The next event arrives in the very last await of each round.
        markVerification: async (input) => {
          world.outcomes.push(...input.outcomes);
          if (next < total) await push('v1', { digest: `sha256:${(next++).toString(16).padStart(64, '0')}` });
          return { summary: '', recorded: 1, overlapping: [] };
        },
      },
      async () => {
        const handle = await push('v1', { digest: `sha256:${'0'.repeat(64)}` });
        await handle.result();
      },
    );
    expect(new Set(world.outcomes.map((outcome) => outcome.digest)).size).toBe(total);
  });

  it('looks again 2, 10 and 30 s later while the tag is not what the event said, and stays pending', async () => {
    const at: number[] = [];
    await world.run(
      {
        fetchManifests: async () => {
          at.push(await world.env.currentTimeMs());
          const there = at.length >= 4;
          return {
            summary: '',
            images: [
              { tag: 'v1', digest: digest(there ? 'd' : 'c'), manifests: 1, blobs: 0, bytes: 1, ...(there ? {} : { unexpected: true }) },
            ],
            absent: [],
            failures: [],
            look: at.length,
          };
        },
      },
      async () => {
        await (await push('v1', { digest: digest('d') })).result();
      },
    );
    const gaps = at.slice(1).map((time, n) => (time - (at[n] ?? 0)) / 1_000);
    // And once more, for the tag was put four times. A gap holds what the round took.
    const wanted = [2, 10, 30, 30];
    expect(gaps).toHaveLength(wanted.length);
    wanted.forEach((seconds, n) => {
      expect(gaps[n]).toBeGreaterThan(seconds - 0.5);
      expect(gaps[n]).toBeLessThan(seconds + 5);
    });
    expect(world.outcomes.map(({ sync }) => sync)).toEqual(['pending', 'pending', 'pending', 'synced', 'synced']);
  });

  it('does not take a 404 after a push for a deletion until the looks are over, then asks for a comparison', async () => {
    await world.run(
      { fetchManifests: async ({ looks }) => ({ summary: '', images: [], absent: looks.map(({ tag }) => tag), failures: [], look: 1 }) },
      async () => {
        await (await push('v1', { digest: digest('d') })).result();
      },
    );
    expect(world.outcomes.map(({ gone }) => gone ?? false)).toEqual([false, false, false, true]);
    expect(world.names().filter((name) => name === 'startLook')).toHaveLength(1);
  });

  it('goes around again at once when the tag moved under it', async () => {
    let published = 0;
    await world.run(
      {
        publishManifests: async ({ images }) => {
          published += 1;
          return {
            summary: '',
            look: published,
            images: images.map((image) => ({
              ...image,
              state: published === 1 ? ('moved' as const) : ('verified' as const),
              changed: published === 1,
              bytes: 1,
            })),
          };
        },
      },
      async () => {
        await (await push('v1')).result();
      },
    );
    expect(world.outcomes.map(({ sync }) => sync)).toEqual(['pending', 'synced']);
  });

  it('looks again when another look overlapped and differed', async () => {
    let marked = 0;
    await world.run(
      { markVerification: async () => ({ summary: '', recorded: 1, overlapping: ++marked === 1 ? ['v1'] : [] }) },
      async () => {
        await (await push('v1')).result();
      },
    );
    // And once more, for the tag was put twice.
    expect(marked).toBe(3);
  });

  /** Answers of `publishManifests`, one a round: whether it put the tag, and whether it was a repeated attempt. */
  const publishing = (...rounds: { changed: boolean; repeated?: true }[]) => ({
    publishManifests: async ({ images }: PublishManifestsInput) => {
      const { changed, repeated } = rounds[world.inputs('publishManifests').length - 1] ?? { changed: false };
      const published = images.map((image) => ({ ...image, state: 'verified' as const, changed, bytes: 1 }));
      return { summary: '', look: 1, images: published, ...(repeated ? { repeated } : {}) };
    },
  });
  const publishings = () => world.inputs('publishManifests').length;

  it('looks 30 s later whether what was put by a repeated attempt has stayed, and again if it had not', async () => {
    const started = await world.env.currentTimeMs();
    await world.run(publishing({ changed: true, repeated: true }, { changed: true, repeated: true }, { changed: true }), async () => {
      expect(await (await push('v1', { digest: digest('a') })).result()).toMatchObject({ rounds: 3 });
    });
    expect(publishings()).toBe(3);
    expect((await world.env.currentTimeMs()) - started).toBeGreaterThanOrEqual(60_000);
    // As it is then, whatever the event said.
    expect(world.inputs('fetchManifests').map(({ looks }) => looks[0]?.digest)).toEqual([digest('a'), undefined, undefined]);
  });

  it('looks later after two puts in a row, not after a repeated attempt that had nothing to put', async () => {
    await world.run(publishing({ changed: true }, { changed: true }), async () => {
      const handle = await push('v1', { digest: digest('a') });
      await until(() => world.outcomes.length === 1);
      await handle.result();
    });
    expect(publishings()).toBe(1);
    await world.run(publishing({ changed: false, repeated: true }), async () => {
      await (await push('v1')).result();
    });
    expect(publishings()).toBe(1);
    let again = true;
    await world.run(
      {
        ...publishing({ changed: true }, { changed: true }),
        markVerification: async () => ({ summary: '', recorded: 1, overlapping: again ? ((again = false), ['v1']) : [] }),
      },
      async () => {
        await (await push('v1')).result();
      },
    );
    expect(publishings()).toBe(3);
  });

  it('records a failure, sleeps, and tries again; a retry ends the sleep', async () => {
    let fetched = 0;
    const started = await world.env.currentTimeMs();
    await world.run(
      {
        fetchManifests: async () => {
          fetched += 1;
          if (fetched <= 3) throw unreachable();
          return {
            summary: '',
            images: [{ tag: 'v1', digest: digest('a'), manifests: 1, blobs: 0, bytes: 1 }],
            absent: [],
            failures: [],
            look: fetched,
          };
        },
      },
      async () => {
        await (await push('v1')).result();
      },
    );
    expect(world.outcomes.map(({ sync }) => sync)).toEqual(['failed', 'failed', 'failed', 'synced']);
    expect(world.outcomes[0]?.failure).toMatchObject({ code: 'UNAUTHORIZED', message: 'the password is wrong' });
    // 5, 10 and 20 s, each at least by half.
    expect((await world.env.currentTimeMs()) - started).toBeGreaterThan(17_000);
  });

  it('fails, named, what no retry can mend', async () => {
    await world.run(
      {
        publishManifests: async ({ images }) => ({
          summary: '',
          look: 1,
          images: images.map((image) => ({
            ...image,
            state: 'failed' as const,
            changed: false,
            bytes: 0,
            failure: { code: 'UNSUPPORTED' as const, message: 'no such type here', retry: 'never' as const },
          })),
        }),
      },
      async () => {
        const failed = await (await push('v1')).result().catch((thrown: unknown) => thrown);
        expect(failed).toBeInstanceOf(WorkflowFailedError);
        expect((failed as WorkflowFailedError).cause).toMatchObject({
          type: 'UNSUPPORTED',
          message: 'no such type here',
          nonRetryable: true,
        });
      },
    );
    expect(world.outcomes).toEqual([expect.objectContaining({ sync: 'failed' })]);
  });

  it.each([
    ['cancelled', 'pending'],
    ['given up', 'failed'],
  ])('says what its tags may hold when it is %s while it publishes', async (how, sync) => {
    const fetched = (tag: string, c: string) => ({ tag, digest: digest(c), manifests: 1, blobs: 1, bytes: 1 });
    await world.run(
      {
        fetchManifests: async () => ({
          ...{ summary: '', absent: [], failures: [], look: 1 },
          images: [fetched('v1', 'a'), fetched('companion', 'b')],
        }),
        publishManifests: async () => {
          if (how === 'given up' && world.inputs('publishManifests').length === 1) throw unreachable();
          await world.env.client.workflow.getHandle(syncImageId('eu', 'app', 'v1')).cancel();
          await new Promise((done) => setTimeout(done, 300));
          throw unreachable();
        },
      },
      async () => {
        await expect((await push('v1')).result()).rejects.toThrow();
      },
    );
    expect(world.outcomes.slice(0, 2)).toEqual([
      expect.objectContaining({ tag: 'v1', sync, put: digest('a') }),
      expect.objectContaining({ tag: 'companion', sync, put: digest('b') }),
    ]);
  });

  it('tells with a failure what the primary holds, as far as this round has read it', async () => {
    await world.run(
      {
        enumerateLayers: async () => {
          throw unreachable();
        },
        fetchManifests: async ({ looks }) => {
          if (world.inputs('fetchManifests').length > 1) throw unreachable('never');
          const images = looks.map(({ tag }) => ({ tag, digest: digest('a'), manifests: 1, blobs: 1, bytes: 1 }));
          return { summary: '', images, absent: [], failures: [], look: 1 };
        },
      },
      async () => {
        await expect((await push('v1')).result()).rejects.toThrow();
      },
    );
    expect(world.outcomes).toEqual([
      expect.objectContaining({ sync: 'failed', digest: digest('a') }),
      expect.not.objectContaining({ digest: expect.anything() as unknown }),
    ]);
  });

  it('records pending when it is cancelled', async () => {
    await world.run(
      {
        enumerateLayers: async () => {
          await world.env.client.workflow.getHandle(syncImageId('eu', 'app', 'v1')).cancel();
          await new Promise((done) => setTimeout(done, 300));
          return { summary: '', lacking: [], incomplete: [], present: 0, more: false, failures: [] };
        },
      },
      async () => {
        await expect((await push('v1')).result()).rejects.toThrow();
      },
    );
    expect(world.outcomes).toEqual([expect.objectContaining({ tag: 'v1', sync: 'pending' })]);
    // Nothing was put yet.
    expect(world.outcomes[0]).not.toHaveProperty('put');
  });
});

function unreachable(retry = 'later'): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'the password is wrong',
    type: 'UNAUTHORIZED',
    nonRetryable: true,
    details: [{ code: 'UNAUTHORIZED', message: 'the password is wrong', retry }],
  });
}
