import { afterAll, beforeAll } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import type { ControlActivities } from '../../activities/control/index.ts';
import type { SiteActivities } from '../../activities/site/index.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { Failure } from '../../src/model/failure.ts';
import { bulkQueue, CONTROL_QUEUE, pushQueue, scanQueue } from '../../src/model/names.ts';
import type { EnumerateLayersResult, ImageOutcome } from '../../src/model/steps.ts';
import { withinTries } from '../support/temporal.ts';
import { findBinary } from '../support/parts.ts';

/*
 * Workflow tests ask what a workflow does when its activities answer this or that, over days, in milliseconds: the server is Temporal's own test server,
 * which skips time; the activities are scripted. The real ones are run with these workflows in test/system.
 */

export type Scripted = { -readonly [K in keyof SiteActivities]: SiteActivities[K] } & {
  -readonly [K in keyof ControlActivities]: ControlActivities[K];
};

export interface Call {
  readonly name: string;
  readonly input: unknown;
}

/** What the server of a test file is to be. */
export interface WorldOptions {
  /** Temporal's dev server, by the clock, which suggests to continue as new after so many events: the test server never does. */
  readonly suggestAfterEvents?: number;
}

export interface World {
  readonly env: TestWorkflowEnvironment;
  readonly calls: Call[];
  readonly outcomes: ImageOutcome[];
  names(): string[];
  /** The inputs of the calls of one activity, in their order. */
  inputs<K extends keyof Scripted>(name: K): Parameters<Scripted[K]>[0][];
  /** Runs with these answers; what is not scripted answers that all is well. The workflows should have ended when `body` has. */
  run<T>(script: Partial<Scripted>, body: () => Promise<T>): Promise<T>;
}

/** What an activity throws when no attempt of its own can help. */
export function activityError(failure: Failure): ApplicationFailure {
  return ApplicationFailure.create({ message: failure.message, type: failure.code, nonRetryable: true, details: [failure] });
}

/** Lets the clock of the machine pass, not the server's. */
export function breathe(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** What `enumerateLayers` says where the secondary has all. */
export const NOTHING_LACKS: EnumerateLayersResult = { summary: '', lacking: [], incomplete: [], present: 1, more: false, failures: [] };

/** Whether an activity of a workflow has been asked to end: until then the test server may miss how it ends. */
export async function isAskedToEnd(handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<boolean> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).some((event) => event.activityTaskCancelRequestedEventAttributes);
}

/** Waits, by the machine's clock, until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it did not come to hold within ${withinMs} ms: ${String(holds)}`);
    await breathe(20);
  }
}

/**
 * Waits for a workflow's end by the machine's clock. `result()` has the server skip time, which may run ahead of a signal that is on its way
 * from one workflow to another.
 */
export async function ended(handle: Pick<WorkflowHandle, 'describe'>): Promise<void> {
  await until(async () => (await handle.describe()).status.name !== 'RUNNING');
}

/** The digest whose hexadecimal digits are all `c`. */
export function digest(c: string): Digest {
  return `sha256:${c.repeat(64)}`;
}

/** One server a test file, and workers whose activities answer as the test that runs says. */
export function workflowWorld(options: WorldOptions = {}): World {
  let env: TestWorkflowEnvironment | undefined;
  let stop: (() => Promise<void>) | undefined;
  let answers: Scripted | undefined;
  const calls: Call[] = [];
  const outcomes: ImageOutcome[] = [];
  const answer = (name: string, input: never): Promise<unknown> => {
    if (!answers) throw ApplicationFailure.nonRetryable(`${name} was asked for when no test ran`);
    calls.push({ name, input });
    return (answers[name as keyof Scripted] as (input: never) => Promise<unknown>)(input);
  };
  beforeAll(async () => {
    quietRuntime();
    env = await withinTries(() => startServer(options));
    stop = await startWorkers(env, answer);
  }, 120_000);
  afterAll(async () => {
    await stop?.();
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
    inputs: (name) => calls.filter((call) => call.name === name).map((call) => call.input as never),
    async run(script, body) {
      calls.length = 0;
      outcomes.length = 0;
      answers = { ...allIsWell(outcomes), ...script };
      try {
        return await body();
      } finally {
        answers = undefined;
      }
    },
  };
}

function startServer({ suggestAfterEvents }: WorldOptions): Promise<TestWorkflowEnvironment> {
  if (suggestAfterEvents === undefined) {
    return TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: findBinary('temporal-test-server') } },
    });
  }
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: findBinary('temporal') },
      log: { format: 'json', level: 'error' },
      extraArgs: [
        ...['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestAfterEvents}`],
        ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=200'],
        ...['--dynamic-config-value', 'matching.numTaskqueueReadPartitions=1'],
        ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
      ],
    },
  });
}

/** Says nothing of what fails on purpose. */
export function quietRuntime(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'off', forward: {} } } });
}

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** The workflows as a worker loads them. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    workflowInterceptorModules: [fileURLToPath(new URL('../../workflows/tracing.ts', import.meta.url))],
    logger: silent,
  });
  return bundle;
}

type Answer = (name: string, input: never) => Promise<unknown>;

async function startWorkers(env: TestWorkflowEnvironment, answer: Answer): Promise<() => Promise<void>> {
  const names = Object.keys(allIsWell([]));
  const activities = Object.fromEntries(names.map((name) => [name, (input: never) => answer(name, input)]));
  const queues = [pushQueue('eu'), bulkQueue('eu'), scanQueue('eu'), CONTROL_QUEUE];
  const workflows = await workflowBundle();
  const workers = await Promise.all(
    queues.map((taskQueue) =>
      Worker.create({
        connection: env.nativeConnection,
        taskQueue,
        workflowBundle: workflows,
        workflowThreadPoolSize: 1,
        activities,
        shutdownForceTime: '1 second',
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  return async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  };
}

const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

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
    // Each repository takes a workflow of its own.
    settledRepositories: async () => ({ summary: '', repositories: [] }),
    compareRepositories: async () => ({ summary: '', equal: [], left: [] }),
    recordScans: async () => ({ summary: '', others: [] }),
    compareRepository: async () => ({
      summary: '',
      // Too long ago for what it saw to be begun with: the server's clock may run ahead of ours.
      look: 1_000,
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
    sampleDigests: async ({ sample }) => ({ summary: '', sampled: sample.length, missing: 0 }),
    judgePrimary: async () => ({ summary: '', regressed: false }),
    restoreTag: async ({ order }) => ({
      summary: '',
      result: 'restored' as const,
      look: Date.now(),
      ...(order.replaces ? { previous: order.replaces } : {}),
    }),
    recordUndo: async () => ({ summary: '' }),
    sweepKept: async ({ tags }) => ({ summary: '', removed: tags.length }),
    markVerification: async (input) => {
      outcomes.push(...input.outcomes);
      return { summary: '', recorded: input.outcomes.length, overlapping: [] };
    },
    recordScan: async () => ({ summary: '', verify: [], gone: [], foreign: 0 }),
    knownRepositories: async () => ({ repositories: [] }),
    imagesToVerify: async () => ({ summary: '', batches: [] }),
    planDeletions: async () => ({ summary: '', approved: [], controls: [], held: 0, waiting: 0 }),
    recordDeletions: async () => ({ summary: '' }),
    recordBackfill: async () => undefined,
    startLook: async () => undefined,
    startScheduled: async () => undefined,
  };
}
