import proto from '@temporalio/proto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  backfillSiteId,
  bulkQueue,
  CONTROL_QUEUE,
  limitsSiteId,
  OWNER_ID,
  pushQueue,
  SIGNALS,
  syncImageId,
  syncRepositoryId,
  tickId,
  verifySiteId,
  WORKFLOWS,
} from '../../src/model/names.ts';
import type {
  BackfillSiteInput,
  ImagesToVerifyInput,
  Look,
  Notice,
  StartScheduledInput,
  SyncImageInput,
  SyncRepositoryInput,
  VerifySiteInput,
} from '../../src/model/steps.ts';
import { compared, differing, gone, LATER, plan, planned } from './repository-runs.ts';
import { POLICY } from '../support/policy.ts';
import { activityError, digest, until, type Scripted, type World } from './world.ts';

/** Where the recorded histories lie, a folder a release: each must replay with whatever the workflows become. */
export const HISTORIES = fileURLToPath(new URL('histories/', import.meta.url));

/** The folder of the release that is being made. */
async function folderOfThisRelease(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return `${HISTORIES}${version}/`;
}

// The SDK's own historyToJSON fails where npm has installed protobufjs more than once.
const { History } = proto.temporal.api.history.v1;

/** One history: what its activities answer, and what is done until the workflow of this id has ended. */
interface Recording {
  readonly name: string;
  readonly workflowId: string;
  script(world: World): Partial<Scripted>;
  drive(world: World): Promise<unknown>;
}

/** Runs in this world every recording that has no file yet in the folder of this release, and writes its history. */
export async function recordHistories(world: World): Promise<void> {
  const folder = await folderOfThisRelease();
  await mkdir(folder, { recursive: true });
  for (const recording of RECORDINGS) {
    const file = `${folder}${recording.name}.json`;
    if (existsSync(file)) continue;
    await world.run(recording.script(world), () => recording.drive(world));
    const history = await world.env.client.workflow.getHandle(recording.workflowId).fetchHistory();
    const json = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });
    await writeFile(file, `${JSON.stringify(json, withoutMachine, 1)}\n`);
  }
}

/** Who ran it, and where the code lay there, is nobody's business. */
function withoutMachine(key: string, value: unknown): unknown {
  return ['identity', 'binaryChecksum', 'stackTrace'].includes(key) ? undefined : value;
}

/** A recorded history as a worker replays it. */
export function historyOf(json: object): proto.temporal.api.history.v1.IHistory {
  return History.fromObject(json);
}

const RECORDINGS: readonly Recording[] = [
  {
    name: 'sync-image-plain',
    workflowId: syncImageId('eu', 'app', 'plain'),
    script: () => ({}),
    drive: async (world) => (await push(world, 'plain', digest('a'))).result(),
  },
  {
    name: 'sync-image-coalesced',
    workflowId: syncImageId('eu', 'app', 'burst'),
    // Three more pushes while the first round runs become one more round.
    script: (world) => ({
      fetchManifests: async ({ looks }) => {
        if (world.inputs('fetchManifests').length === 1) for (const each of ['1', '2', '3']) await push(world, 'burst', digest(each));
        return {
          summary: '',
          images: looks.map((look) => ({ tag: 'burst', digest: look.digest ?? digest('0'), manifests: 1, blobs: 1, bytes: 10 })),
          absent: [],
          failures: [],
          look: 1,
        };
      },
    }),
    drive: async (world) => (await push(world, 'burst', digest('0'))).result(),
  },
  {
    name: 'sync-image-failed-then-retried',
    workflowId: syncImageId('eu', 'app', 'retried'),
    script: (world) => ({
      publishManifests: async ({ images }) => {
        if (world.inputs('publishManifests').length === 1) throw activityError(LATER);
        return {
          summary: '',
          look: 2,
          images: images.map((image) => ({ ...image, state: 'verified' as const, changed: true, bytes: 10 })),
        };
      },
    }),
    async drive(world) {
      const handle = await push(world, 'retried', digest('a'));
      await until(() => world.outcomes.length === 1);
      await handle.signal(SIGNALS.retry);
      await handle.result();
    },
  },
  {
    name: 'sync-image-checked-after-repeat',
    workflowId: syncImageId('eu', 'app', 'repeated'),
    script: (world) => ({
      publishManifests: async ({ images }) => {
        const first = world.inputs('publishManifests').length === 1;
        const published = images.map((image) => ({ ...image, state: 'verified' as const, changed: first, bytes: 10 }));
        return { summary: '', look: 1, images: published, ...(first ? { repeated: true as const } : {}) };
      },
    }),
    drive: async (world) => (await push(world, 'repeated', digest('a'))).result(),
  },
  {
    name: 'sync-repository-scan-with-deletions',
    workflowId: syncRepositoryId('eu', 'scanned'),
    script: () => ({
      compareRepository: async ({ after }) =>
        after === undefined
          ? compared({ tags: differing('a', 'b'), next: 'b' })
          : compared({ tags: [...differing('c'), { tag: 'd', digest: digest('a'), same: true }] }),
      recordScan: async ({ after }) =>
        after === undefined
          ? { summary: '', verify: [], gone: [gone('back'), gone('old')], foreign: 0 }
          : { summary: '', verify: ['d'], gone: [], foreign: 1 },
      planDeletions: async () => plan({ approved: [planned('back'), planned('old')] }),
      deleteTags: async ({ deletions }) => ({
        summary: '',
        look: 3,
        outcomes: deletions.map((deletion) => ({
          ...deletion,
          result: deletion.tag === 'back' ? ('back' as const) : ('deleted' as const),
        })),
      }),
    }),
    drive: (world) =>
      world.env.client.workflow.execute<(input: SyncRepositoryInput) => Promise<unknown>>(WORKFLOWS.syncRepository, {
        workflowId: syncRepositoryId('eu', 'scanned'),
        taskQueue: bulkQueue('eu'),
        args: [{ policy: POLICY, repository: 'scanned', mode: 'scan', verify: 'auto', once: true }],
      }),
  },
  {
    name: 'sync-repository-notices-and-failures',
    workflowId: syncRepositoryId('eu', 'noticed'),
    script: (world) => ({
      lookAtDigests: async () => ({ summary: '', subjects: [digest('5')] }),
      compareRepository: async () => {
        if (world.inputs('compareRepository').length === 1) throw activityError(LATER);
        return compared({ tags: differing('v1') });
      },
    }),
    async drive(world) {
      await noticed(world, { kind: 'digest', digest: digest('1'), receivedAt: 1 });
      await (await noticed(world, { kind: 'deleted', tag: 'old', receivedAt: 1 })).result();
    },
  },
  // Of a release that put it off as long as notices came, and since.
  ...['sync-repository-put-off', 'sync-repository-kept-busy'].map((name): Recording => ({
    name,
    workflowId: syncRepositoryId('eu', 'noticed'),
    script(world) {
      const another = () => noticed(world, { kind: 'digest', digest: digest('1'), receivedAt: 1 });
      return {
        async lookAtDigests() {
          if (world.inputs('lookAtDigests').length < 4) await another();
          return { summary: '', subjects: [] };
        },
        async compareRepository() {
          if (world.inputs('compareRepository').length > 1) return compared({});
          await another();
          throw activityError(LATER);
        },
      };
    },
    drive: async (world) => (await noticed(world, { kind: 'compare', receivedAt: 1 })).result(),
  })),
  {
    name: 'sync-repository-undo',
    workflowId: syncRepositoryId('eu', 'noticed'),
    // What the secondary lacks is copied; a comparison is asked for meanwhile.
    script: (world) => ({
      compareRepository: async () => compared({ tags: differing('v1') }),
      async restoreTag() {
        const first = world.inputs('restoreTag').length === 1;
        if (first) await noticed(world, { kind: 'compare', receivedAt: 1 });
        return { summary: '', result: first ? ('lacking' as const) : ('restored' as const), look: 1 };
      },
    }),
    drive: async (world) =>
      (await noticed(world, { kind: 'undo', receivedAt: 1, undo: { id: 'u', tag: 'v2', digest: digest('2') } })).result(),
  },
  {
    name: 'backfill-site',
    workflowId: backfillSiteId('eu'),
    script: (world) => ({
      listRepositories: async ({ after }) =>
        after === undefined
          ? { summary: '', repositories: ['bad', 'good'], excluded: 1, look: 1, next: 'good' }
          : { summary: '', repositories: ['loose'], excluded: 0, look: 2 },
      knownRepositories: async ({ after }) => ({ repositories: after === undefined ? ['vanished'] : [] }),
      compareRepository: async ({ repository }) => {
        if (repository === 'bad') throw activityError(LATER);
        return compared(repository === 'loose' ? { failures: [{ tag: 'v1', failure: LATER }] } : { tags: differing('v1') });
      },
      recordBackfill: async () => {
        if (world.inputs('recordBackfill').length > 1) return;
        const running = world.env.client.workflow.getHandle(backfillSiteId('eu'));
        await running.signal(SIGNALS.pause);
        await running.signal(SIGNALS.resume);
      },
    }),
    drive: backfill,
  },
  {
    name: 'backfill-site-together',
    workflowId: backfillSiteId('eu'),
    // Two answers, the first of them full; of what is equal one is settled, and one has something to read back.
    script: () => ({
      listRepositories: async () => ({ summary: '', repositories: ['differs', 'due', 'late', 'settled'], excluded: 0, look: 1 }),
      settledRepositories: async ({ repositories }) => ({ summary: '', repositories }),
      compareRepositories: async ({ repositories }) => ({
        summary: '',
        equal: repositories
          .filter((name) => name === 'due' || name === 'settled')
          .map((repository) => ({ repository, page: compared({}) })),
        left: repositories.length > 1 ? ['late'] : [],
      }),
      recordScans: async () => ({ summary: '', others: ['due'] }),
      compareRepository: async () => compared({ tags: differing('v1') }),
    }),
    drive: backfill,
  },
  {
    name: 'backfill-site-ahead',
    workflowId: backfillSiteId('eu'),
    // Two at a time; the second two are told too late.
    script: (world) => ({
      listRepositories: async () => ({ summary: '', repositories: ['a', 'b', 'c', 'd'], excluded: 0, look: 1 }),
      compareRepositories: async ({ repositories }) => {
        const look = (await world.env.currentTimeMs()) - (repositories.includes('c') ? 60_000 : 0);
        const page = compared({ look, tags: differing('v1') });
        return { summary: '', equal: [], differing: repositories.map((repository) => ({ repository, page })), left: [] };
      },
      compareRepository: async () => compared({ tags: differing('v1') }),
    }),
    drive: backfill,
  },
  {
    name: 'sync-repository-compared',
    workflowId: syncRepositoryId('eu', 'compared'),
    // One of what was seen just now is not there any more.
    script: (world) => ({
      enumerateLayers: async ({ images }) => ({
        ...{ summary: '', lacking: [], incomplete: [], present: 1, more: false },
        failures:
          world.inputs('enumerateLayers').length === 1
            ? images.slice(1).map((image) => ({
                ...image,
                failure: { code: 'NOT_FOUND' as const, message: 'no such manifest', retry: 'never' as const },
              }))
            : [],
      }),
    }),
    drive: async (world) => {
      const look = await world.env.currentTimeMs();
      const tags = [...differing('v1'), { tag: 'v2', digest: digest('2'), same: false }];
      await world.env.client.workflow.execute<(input: SyncRepositoryInput) => Promise<unknown>>(WORKFLOWS.syncRepository, {
        workflowId: syncRepositoryId('eu', 'compared'),
        taskQueue: bulkQueue('eu'),
        args: [{ policy: POLICY, repository: 'compared', mode: 'scan', verify: 'auto', once: true, compared: compared({ look, tags }) }],
      });
    },
  },
  {
    name: 'verify-site',
    workflowId: verifySiteId('eu'),
    // Two pages; paused over the first, and one image is mended.
    script: (world) => ({
      imagesToVerify: async ({ after }: ImagesToVerifyInput) => {
        if (after) return { summary: '', batches: [{ repository: 'web', tags: ['v1'] }] };
        const running = world.env.client.workflow.getHandle(verifySiteId('eu'));
        await running.signal(SIGNALS.pause);
        await running.signal(SIGNALS.resume);
        return { summary: '', batches: [{ repository: 'app', tags: ['v1', 'v2'] }], next: { repository: 'app', tag: 'v2' } };
      },
    }),
    drive: (world) =>
      world.env.client.workflow.execute<(input: VerifySiteInput) => Promise<unknown>>(WORKFLOWS.verifySite, {
        workflowId: verifySiteId('eu'),
        taskQueue: bulkQueue('eu'),
        args: [{ policy: POLICY, depth: 'deep', sample: 1 }],
      }),
  },
  {
    name: 'limit-site',
    workflowId: limitsSiteId('eu'),
    // Changed, not changed by what cannot be, continued as new by neither.
    script: () => ({}),
    async drive({ env }) {
      const workflowId = limitsSiteId('eu');
      const handle = await env.client.workflow.start(WORKFLOWS.limitSite, {
        workflowId,
        taskQueue: CONTROL_QUEUE,
        args: [{ requests: 8 }],
      });
      for (const change of [{ transfers: 2 }, { transfers: 0 }]) await handle.signal(SIGNALS.change, change);
      await handle.signal(SIGNALS.reset);
      await handle.result();
    },
  },
  {
    name: 'tick',
    workflowId: tickId('eu', 'verify'),
    script: () => ({}),
    drive: (world) =>
      world.env.client.workflow.execute<(input: StartScheduledInput) => Promise<unknown>>(WORKFLOWS.tick, {
        workflowId: tickId('eu', 'verify'),
        taskQueue: CONTROL_QUEUE,
        args: [{ site: 'eu', kind: 'verify' }],
      }),
  },
  {
    name: 'owner',
    workflowId: OWNER_ID,
    script: () => ({}),
    // It never ends by itself.
    async drive({ env }) {
      const handle = await env.client.workflow.start(WORKFLOWS.owner, { workflowId: OWNER_ID, taskQueue: CONTROL_QUEUE });
      await until(async () => (await handle.describe()).historyLength > 3);
      await handle.terminate();
    },
  },
];

function push({ env }: World, tag: string, pushed: Look['digest'] & string) {
  return env.client.workflow.signalWithStart<(input: SyncImageInput) => Promise<unknown>, [Look]>(WORKFLOWS.syncImage, {
    workflowId: syncImageId('eu', 'app', tag),
    taskQueue: pushQueue('eu'),
    args: [{ policy: POLICY, repository: 'app', tag }],
    signal: SIGNALS.pushed,
    signalArgs: [{ tag, digest: pushed, receivedAt: 1 }],
  });
}

function backfill({ env }: World) {
  return env.client.workflow.execute<(input: BackfillSiteInput) => Promise<unknown>>(WORKFLOWS.backfillSite, {
    workflowId: backfillSiteId('eu'),
    taskQueue: bulkQueue('eu'),
    args: [{ policy: POLICY, verify: 'auto', once: false, concurrency: 2 }],
  });
}

function noticed({ env }: World, notice: Notice) {
  return env.client.workflow.signalWithStart<(input: SyncRepositoryInput) => Promise<unknown>, [Notice]>(WORKFLOWS.syncRepository, {
    workflowId: syncRepositoryId('eu', 'noticed'),
    taskQueue: bulkQueue('eu'),
    args: [{ policy: POLICY, repository: 'noticed', mode: 'notices', verify: 'auto', once: false }],
    signal: SIGNALS.noticed,
    signalArgs: [notice],
  });
}
