import { expect } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { SEEN_MS, heldListing, type DocumentedSystem } from './system.ts';

const SYNC = 'sync/eu/shop/web:1.3';

/** Every row of "Temporal's own commands", while `shop/web` fails and backs off, and `shop/denied:1` has failed for good. */
export async function runTemporalRows(system: DocumentedSystem): Promise<void> {
  await looks(system);
  await signals(system);
  await schedules(system);
  await pauses(system);
  await limits(system);
  await cancels(system);
}

async function looks(system: DocumentedSystem): Promise<void> {
  const { temporal } = system;
  // Temporal lists a little later than it knows.
  const lists = (command: string, ids: readonly string[], not: string) =>
    eventually(
      () => temporal(command),
      (out) => ids.every((id) => out.includes(id)) && !out.includes(not),
      SEEN_MS,
      500,
    );
  await lists(`temporal workflow list --query 'TwinportSite="eu" AND ExecutionStatus="Running"'`, [SYNC], 'shop/denied');
  await lists(`temporal workflow list --query 'TwinportRepository="shop/web"'`, [SYNC, 'sync-repository/eu/shop/web'], 'shop/denied');
  await lists(
    `temporal workflow list --query 'WorkflowType="syncImage" AND ExecutionStatus="Failed"'`,
    ['sync/eu/shop/denied:1'],
    'shop/web',
  );
  expect(await temporal(`temporal workflow show -w '${SYNC}'`)).toMatch(/WorkflowExecutionStarted[\s\S]*ActivityTaskScheduled/);
  expect(await temporal(`temporal workflow describe -w '${SYNC}'`)).toMatch(/syncImage[\s\S]*Pending Activities: \d/);
  expect(await temporal('temporal workflow query -w backfill/eu --type progress')).toMatch(/"state":\s*"done"/);
}

async function signals(system: DocumentedSystem): Promise<void> {
  const repository = 'sync-repository/eu/shop/web';
  await wakes(system, `temporal workflow signal -w '${SYNC}' --name retry`, SYNC, 'fetchManifests');
  await wakes(system, `temporal workflow signal -w '${SYNC}' --name pushed --input '{"tag":"1.3"}'`, SYNC, 'fetchManifests');
  const notice = `temporal workflow signal -w ${repository} --name noticed --input '{"kind":"compare","receivedAt":0}'`;
  await wakes(system, notice, repository, 'compareRepository');
}

/** A signal leads to an activity before any timer has fired: the back-off was not waited for. A timer may fire in that very moment, but not each time. */
async function wakes({ client, temporal }: DocumentedSystem, command: string, id: string, activity: string): Promise<void> {
  const events = async () => (await client.workflow.getHandle(id).fetchHistory()).events ?? [];
  for (let turn = 1; ; turn += 1) {
    const before = (await events()).length;
    await temporal(command);
    const next = async (): Promise<string | undefined> => {
      const after = (await events()).slice(before);
      const signalled = after.findIndex((event) => event.workflowExecutionSignaledEventAttributes);
      const first = after
        .slice(signalled)
        .find((event) => event.timerFiredEventAttributes ?? event.activityTaskScheduledEventAttributes?.activityType?.name === activity);
      return first && (first.timerFiredEventAttributes ? 'a timer' : activity);
    };
    const woken = await eventually(next, (seen) => seen !== undefined, SEEN_MS, 200);
    if (woken === activity) return;
    if (turn === 5) throw new Error(`${command} wakes nothing`);
  }
}

async function schedules({ temporal, ask }: DocumentedSystem): Promise<void> {
  for (const kind of ['backfill', 'verify']) {
    const { runId } = await ask(`/${kind}`);
    await temporal(`temporal schedule trigger --schedule-id tick/eu/${kind}`);
    await eventually(
      () => ask(`/${kind}`),
      (now) => now['runId'] !== undefined && now['runId'] !== runId && now['status'] === 'COMPLETED',
      SEEN_MS,
      200,
    );
  }
}

async function pauses({ temporal, status, worker }: DocumentedSystem): Promise<void> {
  await temporal('temporal workflow start -w pause/eu --type pauseSite --task-queue twinport-control');
  await worker.waitFor(/the site is paused: nothing is begun/, SEEN_MS);
  await eventually(status, ({ paused }) => paused === true, SEEN_MS, 200);
  await temporal('temporal workflow signal -w pause/eu --name resume');
  await worker.waitFor(/the site goes on/, SEEN_MS);
  await eventually(status, ({ paused }) => paused === false, SEEN_MS, 200);
}

async function limits({ temporal, ask, worker }: DocumentedSystem): Promise<void> {
  const change = `temporal workflow signal-with-start -w limits/eu --type limitSite --task-queue twinport-control --signal-name change --signal-input '{"bytesPerSecond":1048576}'`;
  await temporal(change);
  await worker.waitFor(/"bytesPerSecond":1048576.*the limits of the site are changed/, SEEN_MS);
  expect(await ask('/limits')).toMatchObject({ configured: { bytesPerSecond: null }, changed: { bytesPerSecond: 1_048_576 } });
  expect(await temporal('temporal workflow describe -w limits/eu')).toMatch(/limitSite[\s\S]*1048576/);
  await temporal('temporal workflow signal -w limits/eu --name reset');
  await worker.waitFor(/the limits of the site are the configured ones again/, SEEN_MS);
  expect(await ask('/limits')).toMatchObject({ changed: null });
}

async function cancels(system: DocumentedSystem): Promise<void> {
  const { temporal, ask, act, client } = system;
  const statusOf = async (id: string) => (await client.workflow.getHandle(id).describe()).status.name;
  const progress = (state: string) =>
    eventually(
      () => ask('/backfill'),
      (now) => now['state'] === state,
      SEEN_MS,
      200,
    );
  const held = heldListing(system);
  // Reading all back is done by the repositories' own workflows.
  await act('backfill/start', { verify: 'shallow' });
  await eventually(
    () => statusOf('sync-repository/eu/app').catch(() => 'none'),
    (name) => name === 'RUNNING',
    SEEN_MS,
    200,
  );
  await temporal('temporal workflow signal -w backfill/eu --name pause');
  await progress('paused');
  await temporal('temporal workflow signal -w backfill/eu --name resume');
  await progress('running');
  await temporal('temporal workflow cancel -w backfill/eu');
  for (const id of ['backfill/eu', 'sync-repository/eu/app'])
    await eventually(
      () => statusOf(id),
      (name) => name === 'CANCELLED',
      SEEN_MS,
      200,
    );
  held.end();
  await temporal(`temporal workflow cancel -w '${SYNC}'`);
  await eventually(
    () => statusOf(SYNC),
    (name) => name === 'CANCELLED',
    SEEN_MS,
    200,
  );
}
