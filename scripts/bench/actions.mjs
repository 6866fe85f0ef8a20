import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../dist/src/processes/embedded/free-port.js';
import { startRegistry } from '../../dist/src/processes/embedded/registry.js';
import { CONTENTS, push, pushTag } from './content.mjs';
import { cpuOf, eachOf } from './measure.mjs';
import { pullable } from './pushes.mjs';
import { reached } from './statistics.mjs';
import { makeFolder, metricOf, SECRET, startSystem, withEnds } from './system.mjs';

const PUSHES = 200;

/** How many of Temporal's actions the first copy of the small images takes, and a push: what Temporal Cloud asks money for. */
export function measureActions({ folder, seed, ends, note }) {
  return withEnds(ends, async (own) => {
    const dir = await makeFolder(join(folder, 'actions'));
    own.push(() => rm(dir, { recursive: true, force: true }));
    const registry = async (name) => {
      const started = await startRegistry({ version: 2, dir: join(dir, name) });
      own.push(() => started.stop(500));
      return started;
    };
    const [primary, secondary] = [await registry('primary'), await registry('secondary')];
    const content = CONTENTS.small(seed);
    await push(primary.url, content);
    const webhook = await freePort();
    const system = await startSystem({ dir, webhook, primary: primary.url, secondary: secondary.url }, own);
    const worker = await system.startWorker();
    const pids = { ...system.pids, worker: worker.pid };
    const now = async () => ({ ...(await countActions(system.client, worker.url)), cpuSeconds: await eachOf(pids, cpuOf) });
    const atStart = { cpuSeconds: await eachOf(pids, cpuOf) };
    note('actions: the first copy');
    const images = [...content.values()].reduce((sum, tags) => sum + Object.keys(tags).length, 0);
    await verified(system, images);
    const first = difference(await now(), atStart);
    const before = await now();
    // Only now, else the content's own pushes would be told.
    await primary.restart({ notifications: { url: `${system.url}/events/distribution`, secret: SECRET } });
    note('actions: pushes, one after the other');
    for (let at = 0; at < PUSHES; at++) {
      const tag = `v${at}`;
      await pullable(
        secondary.url,
        'bench/idle',
        tag,
        await pushTag(primary.url, 'bench/idle', tag, CONTENTS.push(`${seed}/actions/${tag}`)),
      );
    }
    await verified(system, images + PUSHES);
    const pushes = difference(await now(), before);
    return { name: 'actions', title: "Temporal's actions", actions: { images, first, pushes, pushed: PUSHES } };
  });
}

/** What came since, by name; what was not counted before is all since. */
function difference(now, before) {
  const since = (value, earlier = 0) => (typeof value === 'object' ? difference(value, earlier) : value - earlier);
  return Object.fromEntries(Object.entries(now).map(([name, value]) => [name, since(value, before[name])]));
}

const GOALS = { first: 300, push: 6 };

/** What the page says of it. */
export function actionsText({ actions: { images, first, pushes, pushed } }) {
  const mean = (count) => (count / pushed).toFixed(2).replace(/\.?0+$/, '');
  const row = (name, of) => `| ${name} | ${KINDS.map((kind) => of[kind]).join(' | ')} | ${of.heartbeats} |`;
  const dashes = KINDS.map(() => '---').join(' | ');
  const each = inHistories(pushes) / pushed;
  return [
    ...[`| | ${KINDS.join(' | ')} | heartbeats |`, `| --- | ${dashes} | --- |`],
    ...[row(`first copy of ${images} images`, first), row(`${pushed} pushes`, pushes), ''],
    `- The first copy: ${inHistories(first)} in the histories, and ${first.heartbeats} heartbeats. Goal: ${GOALS.first}: ${reached(inHistories(first) <= GOALS.first)}.`,
    `- A push: ${mean(inHistories(pushes))} in the histories, and ${mean(pushes.heartbeats)} heartbeats. Goal: ${GOALS.push}: ${reached(each <= GOALS.push)}.`,
  ];
}

const KINDS = ['starts', 'children', 'activities', 'retries', 'timers', 'signals'];

export function inHistories(of) {
  return KINDS.reduce((sum, kind) => sum + of[kind], 0);
}

/** Waits until the site has verified so many images, and nothing of its own runs any more. */
async function verified({ api, client }, images) {
  for (let seen; ; await sleep(250)) {
    seen = await api('/api/v1/sites/eu');
    if (seen.failed > 0) throw new Error(`${seen.failed} images failed: ${seen.reason}`);
    if (seen.verified < images) continue;
    const { count } = await client.workflow.count(`ExecutionStatus = 'Running' and WorkflowType in (${SITE_WORKFLOWS})`);
    if (count === 0) return;
  }
}

const SITE_WORKFLOWS = ['backfillSite', 'syncRepository', 'syncImage', 'verifySite'].map((name) => `'${name}'`).join(', ');

/** Events of histories that are an action each. @see https://docs.temporal.io/evaluate/cloud/actions */
const ACTIONS = {
  workflowExecutionStartedEventAttributes: 'starts',
  // Besides its start.
  startChildWorkflowExecutionInitiatedEventAttributes: 'children',
  activityTaskScheduledEventAttributes: 'activities',
  timerStartedEventAttributes: 'timers',
  workflowExecutionSignaledEventAttributes: 'signals',
};

/**
 * Counts the actions in the histories of all workflows, or of those that the query names, until now: by kind. `heartbeats` are in no history: they are those that this
 * worker sent. What people look at in between (queries) is left out, and what stands for a whole site.
 */
export async function countActions(client, workerUrl, query = '') {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    if (SITE_LONG.test(workflowId)) continue;
    let at = 0;
    for await (const event of eventsOf(client, { workflowId, runId })) {
      const kind = ACTIONS[Object.keys(ACTIONS).find((name) => event[name])];
      // A start with a signal is one action.
      const withStart = kind === 'signals' && at === 1;
      if (kind && !withStart) counts[kind] += 1;
      counts.retries += Math.max(0, (event.activityTaskStartedEventAttributes?.attempt ?? 1) - 1);
      at += 1;
    }
  }
  const heartbeats = await metricOf(workerUrl, 'temporal_request_total', /operation="RecordActivityTaskHeartbeat"/);
  return { ...counts, heartbeats };
}

/** A history in small pages: the events of a scan are large, and an answer may have 4 MiB. */
async function* eventsOf({ workflowService }, execution) {
  let page = {};
  do {
    const { nextPageToken } = page;
    page = await workflowService.getWorkflowExecutionHistory({ namespace: 'default', execution, maximumPageSize: 10, nextPageToken });
    yield* page.history.events;
  } while (page.nextPageToken?.length > 0);
}

/** They run as long as the site, and are no cost of an image. */
const SITE_LONG = /^(twinport|pause|limits|tick)\//;
