import { beforeAll, describe, expect, it } from '@jest/globals';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { WORKFLOWS } from '../../src/model/names.ts';
import type { SyncRepositoryInput } from '../../src/model/steps.ts';
import { HISTORIES, historyOf, recordHistories } from './record-histories.ts';
import { quietRuntime, workflowBundle, workflowWorld } from './world.ts';

/*
 * Workflows that run while the program is replaced go on with the new code: each recorded history must replay. A change that does not let it goes
 * behind `patched()`, and gets a recording of its own. RECORD_HISTORIES=1 records those that have no file yet in the folder of this release.
 */

interface Recorded {
  readonly events: {
    eventType: string;
    workflowExecutionStartedEventAttributes?: { workflowType: { name: string }; input: { payloads: { data: string }[] } };
    activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  }[];
}

/** Of each release that workflows may still run of: what must not be taken away. */
const EXPECTED = [
  'backfill-site.json',
  'backfill-site-ahead.json',
  'backfill-site-together.json',
  'backfill-site-together-by-four.json',
  'limit-site.json',
  'owner.json',
  'sync-image-checked-after-repeat.json',
  'sync-image-coalesced.json',
  'sync-image-failed-then-retried.json',
  'sync-image-plain.json',
  'sync-repository-compared.json',
  'sync-repository-kept-busy.json',
  'sync-repository-notices-and-failures.json',
  'sync-repository-put-off.json',
  'sync-repository-scan-with-deletions.json',
  'sync-repository-undo.json',
  'tick.json',
  'verify-site.json',
].map((name) => `0.1.0/${name}`);

const RECORD = process.env['RECORD_HISTORIES'] === '1';
let bundle: WorkflowBundleWithSourceMap;

if (RECORD) {
  const world = workflowWorld();
  beforeAll(() => recordHistories(world));
}

beforeAll(async () => {
  if (!RECORD) quietRuntime();
  bundle = await workflowBundle();
});

async function read(name: string): Promise<Recorded> {
  return JSON.parse(await readFile(HISTORIES + name, 'utf8')) as Recorded;
}

function replay(history: Recorded): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: bundle }, historyOf(history), 'replayed');
}

describe('recorded histories', () => {
  const files = existsSync(HISTORIES) ? readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' }) : [];
  const names = files.filter((name) => name.endsWith('.json')).toSorted();

  it('are all there', () => {
    expect(names).toEqual(expect.arrayContaining(EXPECTED));
  });

  it.each(names.length > 0 ? names : EXPECTED)('%s replays', async (name) => {
    await replay(await read(name));
  });

  it('of a repository that an older worker compared, though it was given a comparison, replays', async () => {
    const history = await read('0.1.0/sync-repository-scan-with-deletions.json');
    const [payload] = history.events[0]!.workflowExecutionStartedEventAttributes!.input.payloads;
    const input = JSON.parse(Buffer.from(payload!.data, 'base64').toString()) as SyncRepositoryInput;
    const look = Number.MAX_SAFE_INTEGER;
    const given: SyncRepositoryInput = { ...input, compared: { summary: '', look, tags: [], extra: [], excluded: 0, failures: [] } };
    payload!.data = Buffer.from(JSON.stringify(given)).toString('base64');
    await replay(history);
  });

  it('hold what they are named for', async () => {
    const activities = async (name: string) =>
      (await read(name)).events.flatMap(({ activityTaskScheduledEventAttributes: task }) => task?.activityType.name ?? []);
    expect(await activities('0.1.0/sync-image-plain.json')).toEqual([
      ...['fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'markVerification'],
    ]);
    const rounds = (await activities('0.1.0/sync-image-coalesced.json')).filter((name) => name === 'fetchManifests');
    expect(rounds).toHaveLength(2);
    expect(new Set(await activities('0.1.0/verify-site.json'))).toEqual(
      new Set(['imagesToVerify', 'fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'markVerification']),
    );
    expect((await activities('0.1.0/backfill-site-together.json')).filter((name) => /Repositories|recordScans/.test(name))).toEqual([
      ...['listRepositories', 'settledRepositories', 'compareRepositories', 'recordScans', 'compareRepositories', 'knownRepositories'],
    ]);
    expect((await activities('0.1.0/backfill-site-together-by-four.json')).slice(3, 8)).toEqual([
      ...Array<unknown>(4).fill('compareRepositories'),
      'recordScans',
    ]);
    expect((await activities('0.1.0/backfill-site-ahead.json')).filter((name) => name === 'compareRepositories')).toHaveLength(2);
    expect((await activities('0.1.0/sync-repository-compared.json')).slice(0, 5)).toEqual([
      ...['recordScan', 'enumerateLayers', 'publishManifests', 'markVerification', 'fetchManifests'],
    ]);
    expect(await activities('0.1.0/sync-repository-scan-with-deletions.json')).toEqual(
      expect.arrayContaining(['deleteTags', 'recordDeletions']),
    );
    expect(await activities('0.1.0/sync-repository-undo.json')).toEqual(
      expect.arrayContaining(['restoreTag', 'recordUndo', 'compareRepository']),
    );
  });
});

describe('a history that does not fit the code is found out', () => {
  it('by another workflow than the one that made it', async () => {
    const history = await read('0.1.0/sync-repository-scan-with-deletions.json');
    history.events[0]!.workflowExecutionStartedEventAttributes!.workflowType.name = WORKFLOWS.syncImage;
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });

  it('by an activity that the code does not ask for there', async () => {
    const history = await read('0.1.0/sync-image-plain.json');
    const asked = history.events.find(({ activityTaskScheduledEventAttributes: task }) => task?.activityType.name === 'enumerateLayers');
    asked!.activityTaskScheduledEventAttributes!.activityType.name = 'copyBlobs';
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });

  it('by an input that leads elsewhere', async () => {
    const history = await read('0.1.0/sync-repository-scan-with-deletions.json');
    const [payload] = history.events[0]!.workflowExecutionStartedEventAttributes!.input.payloads;
    const input = Buffer.from(payload!.data, 'base64').toString();
    expect(input).toContain('"policy":"guard"');
    payload!.data = Buffer.from(input.replace('"policy":"guard"', '"policy":"never"')).toString('base64');
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });
});
