import { afterAll, beforeAll } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import type { ControlActivities } from '../../activities/control/index.ts';
import type { SiteActivities } from '../../activities/site/index.ts';
import type { Digest } from '../../src/model/digest.ts';
import { bulkQueue, CONTROL_QUEUE, pushQueue } from '../../src/model/names.ts';
import type { SitePolicy } from '../../src/model/policy.ts';
import type { ImageOutcome } from '../../src/model/steps.ts';
import { findBinary } from '../support/parts.ts';

/*
 * Workflow tests ask what a workflow does when its activities answer this or that, over days, in milliseconds: the server is Temporal's own test server,
 * which skips time; the activities are scripted. The real ones are run with these workflows in test/system.
 */

export const POLICY: SitePolicy = {
  site: 'eu',
  revision: 'r1',
  epoch: 1,
  path: '{repository}',
  repositories: { include: ['**'], exclude: [] },
  tags: { include: ['**'], exclude: [] },
  deletes: { policy: 'guard', confirmAfterMs: 600_000 },
  verify: { everyMs: 604_800_000, depth: 'shallow' },
};

export type Scripted = { -readonly [K in keyof SiteActivities]: SiteActivities[K] } & {
  -readonly [K in keyof ControlActivities]: ControlActivities[K];
};

export interface Call {
  readonly name: string;
  readonly input: unknown;
}

export interface World {
  readonly env: TestWorkflowEnvironment;
  readonly calls: Call[];
  readonly outcomes: ImageOutcome[];
  names(): string[];
  /** Runs with these answers; what is not scripted answers that all is well. */
  run<T>(script: Partial<Scripted>, body: () => Promise<T>): Promise<T>;
}

/** The digest whose hexadecimal digits are all `c`. */
export function digest(c: string): Digest {
  return `sha256:${c.repeat(64)}`;
}

/** One time-skipping server a test file. */
export function workflowWorld(): World {
  let env: TestWorkflowEnvironment | undefined;
  let bundle: WorkflowBundleWithSourceMap | undefined;
  const calls: Call[] = [];
  const outcomes: ImageOutcome[] = [];
  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'off', forward: {} } } });
    env = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: findBinary('temporal-test-server') } },
    });
    bundle = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
      logger: silent,
    });
  }, 120_000);
  afterAll(async () => {
    await env?.teardown();
  });
  return {
    get env() {
      if (!env) throw new Error('the test server is not up');
      return env;
    },
    calls,
    outcomes,
    names: () => calls.map((call) => call.name),
    async run(script, body) {
      calls.length = 0;
      outcomes.length = 0;
      if (!env || !bundle) throw new Error('the test server is not up');
      const activities = recorded({ ...allIsWell(outcomes), ...script }, calls);
      const queues = [pushQueue('eu'), bulkQueue('eu'), CONTROL_QUEUE];
      const workers = await Promise.all(
        queues.map((taskQueue) =>
          Worker.create({
            connection: env?.nativeConnection as never,
            taskQueue,
            workflowBundle: bundle as never,
            activities,
            shutdownForceTime: '1 second',
          }),
        ),
      );
      const running = workers.map((worker) => worker.run());
      try {
        return await body();
      } finally {
        for (const worker of workers) worker.shutdown();
        await Promise.all(running);
      }
    },
  };
}

const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

function recorded(script: Scripted, calls: Call[]): Record<string, (input: never) => Promise<unknown>> {
  return Object.fromEntries(
    Object.entries(script).map(([name, answer]) => [
      name,
      async (input: never): Promise<unknown> => {
        calls.push({ name, input });
        return (answer as (input: never) => Promise<unknown>)(input);
      },
    ]),
  );
}

/** The primary holds `aaa…` under every tag, the secondary lacks one small blob, and everything works. */
function allIsWell(outcomes: ImageOutcome[]): Scripted {
  return {
    fetchManifests: async ({ looks }) => ({
      summary: '',
      images: looks.map(({ tag }) => ({ tag, digest: digest('a'), manifests: 1, blobs: 1, bytes: 10 })),
      absent: [],
      failures: [],
      look: Date.now(),
    }),
    enumerateLayers: async ({ images }) => ({
      summary: '',
      lacking: [{ mediaType: '', digest: digest('b'), size: 10 }],
      incomplete: images.flatMap(({ tag }) => tag ?? []),
      present: 0,
      more: false,
      failures: [],
    }),
    copyBlobs: async ({ blobs }) => ({
      summary: '',
      copied: blobs.length,
      bytes: 10,
      resumedBytes: 0,
      mounted: 0,
      skipped: 0,
      failures: [],
    }),
    publishManifests: async ({ images }) => ({
      summary: '',
      look: Date.now(),
      images: images.map((image) => ({ ...image, state: 'verified' as const, changed: true, bytes: 10 })),
    }),
    listRepositories: async () => ({ summary: '', repositories: ['app'], excluded: 0, look: Date.now() }),
    compareRepository: async () => ({
      summary: '',
      look: Date.now(),
      tags: [{ tag: 'v1', digest: digest('a'), same: false }],
      extra: [],
      excluded: 0,
      failures: [],
    }),
    lookAtDigests: async () => ({ summary: '', subjects: [] }),
    deleteTags: async ({ deletions }) => ({
      summary: '',
      look: Date.now(),
      outcomes: deletions.map((deletion) => ({ ...deletion, result: 'deleted' as const })),
    }),
    markVerification: async (input) => {
      outcomes.push(...input.outcomes);
      return { summary: '', recorded: input.outcomes.length, overlapping: [] };
    },
    recordScan: async () => ({ summary: '', verify: [], gone: [], foreign: 0 }),
    knownRepositories: async () => ({ repositories: [] }),
    planDeletions: async () => ({ summary: '', approved: [], controls: [], held: 0, waiting: 0 }),
    recordDeletions: async () => ({ summary: '' }),
    recordBackfill: async () => undefined,
    startLook: async () => undefined,
    startScheduled: async () => undefined,
  };
}
