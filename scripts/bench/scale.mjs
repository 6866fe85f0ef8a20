import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { countActions, inHistories } from './actions.mjs';
import { fillLedger, withClient } from './fill-ledger.mjs';
import { forked } from './forked.mjs';
import { cpuOf, eachOf, memoryOf } from './measure.mjs';
import { median, number, reached, spread } from './statistics.mjs';
import { AFTER, BEFORE } from './synthetic.mjs';
import { makeFolder, startSystem, withEnds } from './system.mjs';

export const SIZES = [10_000, 100_000];
/** Up to so many tags the ledger's rows are what a first pass made; beyond they are inserted as it would have made them. */
const READ_BACK = 10_000;
const MEMORY_EVERY_MS = 500;
/** Where waiting is the limit, and no processor: answers take as long as from another continent, and a worker has few requests at a time. */
const WAITING = { delayMs: 60, requests: 4, tags: 4_000, tagsEach: 10, rounds: 1 };
/** Histories that are read one by one to be counted. */
const COUNTED_UP_TO = 2_000;

/** What a scan costs in which nothing has changed, by the number of tags; and whether a second worker helps. */
export async function measureScale({ folder, ends, note, sizes }) {
  const waiting = await withScene({ folder, ends, note, tagsEach: WAITING.tagsEach }, measureWaiting);
  return withScene({ folder, ends, note, tagsEach: 100 }, async (scene) => {
    scene.workers = [await scene.system.startWorker()];
    note(`scale: ${READ_BACK} tags are read back`);
    const first = await passOver(scene, READ_BACK);
    const passes = [];
    for (const [at, tags] of sizes.entries()) {
      note(`scale: ${tags} tags, nothing to do`);
      await fill(scene, Math.max(READ_BACK, sizes[at - 1] ?? 0), tags);
      passes.push(await rescan(scene, tags));
    }
    return { name: 'scale', title: 'Scale', scale: { first, passes, waiting } };
  });
}

/** Two registries that hold nothing yet, and a Twinport that has seen them so. */
function withScene({ folder, ends, note, tagsEach }, work) {
  return withEnds(ends, async (own) => {
    const dir = await makeFolder(join(folder, 'scale'));
    own.push(() => rm(dir, { recursive: true, force: true }));
    const sides = {};
    for (const side of ['primary', 'secondary'])
      sides[side] = await forked('./synthetic.mjs', { repositories: 0, tags: tagsEach, delayMs: 0 }, own);
    const system = await startSystem({ dir, primary: sides.primary.url, secondary: sides.secondary.url }, own);
    const worker = await system.startWorker();
    await system.client.workflow.getHandle('backfill/eu').result();
    await worker.stop();
    return work({ dir, sides, system, note, tagsEach });
  });
}

function fill({ system, tagsEach }, from, rows) {
  const body = `convert_to('${BEFORE}' || name || ':' || tag || '${AFTER}', 'UTF8')`;
  return fillLedger(system.poolConfig, {
    ...{ from: Math.min(from, rows), rows, tags: tagsEach },
    repository: `'bench/app-' || lpad(r::text, 6, '0')`,
    tag: `'v' || lpad((g % ${tagsEach})::text, 3, '0')`,
    digest: `'sha256:' || encode(sha256(${body}), 'hex')`,
  });
}

/** A pass that asks each side for each digest, and for nothing else: anything else would be no scan with nothing to do. */
async function rescan(scene, tags) {
  const pass = await passOver(scene, tags);
  for (const requests of Object.values(pass.requests)) {
    const all = Object.values(requests).reduce((sum, count) => sum + count, 0);
    // A session asks a few things once, to know what the registry is.
    const few = all - requests['HEAD manifest'] - requests['GET list'] <= FEW;
    if (requests['HEAD manifest'] !== tags || !few) throw new Error(`not all was as it was: ${JSON.stringify(pass.requests)}`);
  }
  return pass;
}

const FEW = 300;

/** Scans a catalog of so many tags, and tells what it took of whom. */
async function passOver({ dir, sides, system, workers, note, tagsEach }, tags) {
  const { client } = system;
  const repositories = tags / tagsEach;
  for (const side of Object.values(sides)) {
    await side.ask({ repositories });
    await side.counts();
  }
  const pids = { ...system.pids, worker: workers.map(({ pid }) => pid), registries: Object.values(sides).map(({ pid }) => pid) };
  const temporalBefore = await temporalBytes(dir);
  const cpuBefore = await eachOf(pids, cpuOf);
  const memory = watchMemory(pids);
  const startedAt = new Date().toISOString();
  const began = performance.now();
  await system.api('/api/v1/sites/eu/backfill/start', {});
  const { done, failures } = await client.workflow.getHandle('backfill/eu').result();
  const seconds = (performance.now() - began) / 1000;
  const peakBytes = await memory.stop();
  const cpu = await eachOf(pids, cpuOf);
  const { verified } = await system.api('/api/v1/sites/eu');
  if (done !== repositories || failures.length > 0 || verified < tags)
    throw new Error(`${done} repositories done, ${verified} tags verified`);
  const query = `StartTime >= '${startedAt}'`;
  const histories = await longestHistories(client, query);
  note(`  ${seconds.toFixed(1)} s`);
  return {
    ...{ tags, repositories, seconds, peakBytes, histories },
    cpuSeconds: Object.fromEntries(Object.keys(pids).map((name) => [name, cpu[name] - cpuBefore[name]])),
    requests: { primary: await sides.primary.counts(), secondary: await sides.secondary.counts() },
    ...(histories.workflows <= COUNTED_UP_TO ? { actions: await countActions(client, workers[0].url, query) } : {}),
    bytes: { ledger: await ledgerBytes(system), temporal: (await temporalBytes(dir)) - temporalBefore },
  };
}

function watchMemory(pids) {
  const peaks = {};
  let going = true;
  const watching = (async () => {
    while (going) {
      const now = await eachOf(pids, memoryOf);
      for (const [name, bytes] of Object.entries(now)) peaks[name] = Math.max(peaks[name] ?? 0, bytes);
      await sleep(MEMORY_EVERY_MS);
    }
  })();
  return {
    async stop() {
      going = false;
      await watching;
      return peaks;
    },
  };
}

/** Of the workflows of a pass: how many there were, and the most events and bytes that one of them has. */
async function longestHistories(client, query) {
  // Lists lag behind.
  for (const running = `${query} and ExecutionStatus = 'Running'`; (await client.workflow.count(running)).count > 0;) await sleep(500);
  const seen = { workflows: 0, events: 0, bytes: 0 };
  for await (const { historyLength, historySize = 0 } of client.workflow.list({ query })) {
    seen.workflows += 1;
    seen.events = Math.max(seen.events, historyLength);
    seen.bytes = Math.max(seen.bytes, historySize);
  }
  return seen;
}

function ledgerBytes({ poolConfig }) {
  return withClient(poolConfig, async (client) => {
    const { rows } = await client.query('select pg_database_size(current_database()) as bytes');
    return Number(rows[0].bytes);
  });
}

async function temporalBytes(dir) {
  const sizes = ['temporal.db', 'temporal.db-wal'].map(async (name) => (await stat(join(dir, name)).catch(() => ({ size: 0 }))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The same scan by one worker and by two, in turn. */
async function measureWaiting(scene) {
  const { delayMs, requests, tags, rounds } = WAITING;
  await fill(scene, 0, tags);
  for (const side of Object.values(scene.sides)) await side.ask({ delayMs });
  const seen = { one: [], two: [] };
  for (let round = 0; round < rounds; round++) {
    const workers = [];
    for (const count of Object.keys(seen)) {
      workers.push(await scene.system.startWorker({ requests }));
      scene.note(`scale: ${tags} tags ${delayMs} ms away, ${count} at work`);
      seen[count].push((await rescan({ ...scene, workers }, tags)).seconds);
    }
    for (const worker of workers) await worker.stop();
  }
  return { ...WAITING, ...seen };
}

const PARTS = ['worker', 'starter', 'temporal', 'postgres'];

/** What the page says of it. */
export function scaleText({ scale: { first, passes, waiting } }) {
  const [least, most] = [passes[0], passes.at(-1)];
  const growth = (of) => of(most) / of(least);
  const memory = growth(({ peakBytes }) => peakBytes.worker);
  const cost = growth(cpuMsEach);
  const shares = waiting.two.map((seconds, round) => seconds / waiting.one[round]);
  return [
    ...[
      '| tags | repositories | seconds | CPU seconds: worker, starter, Temporal, PostgreSQL | CPU a tag | memory at most, MiB: worker, starter, Temporal, PostgreSQL |',
      '| --- | --- | --- | --- | --- | --- |',
    ],
    ...passes.map((pass) => `| ${passText(pass)} |`),
    ...[
      '',
      '| tags | workflows | longest history | actions of Temporal | heartbeats | ledger | Temporal grew by |',
      '| --- | --- | --- | --- | --- | --- | --- |',
    ],
    ...passes.map((pass) => `| ${keptText(pass)} |`),
    '',
    `- Before, ${number(first.tags)} tags that both sides have were read back for the first time: ${first.seconds.toFixed(0)} s, ${cpuMsEach(first).toFixed(1)} ms of CPU a tag.`,
    `- Goal: memory is flat. From ${number(least.tags)} to ${number(most.tags)} tags the worker's peak grew ${memory.toFixed(2)} ×: ${reached(memory <= 1.25)}.`,
    `- Goal: cost is linear. CPU a tag grew ${cost.toFixed(2)} ×: ${reached(cost <= 1.25)}.`,
    `- Goal: histories stay bounded. The longest has ${number(most.histories.events)} events (Temporal warns at 10,240): ${reached(most.histories.events < 10_240)}.`,
    `- Goal: two workers need near half the time. ${number(waiting.tags)} tags in repositories of ${waiting.tagsEach}, answers after ${waiting.delayMs} ms, ${waiting.requests} requests at a time for a worker: one in ${spread(waiting.one, 1, 's')}, two in ${spread(waiting.two, 1, 's')}, ${spread(shares, 2, '×')}: ${reached(median(shares) <= 0.6)}.`,
  ];
}

function passText({ tags, repositories, seconds, cpuSeconds, peakBytes, ...pass }) {
  const cpu = PARTS.map((name) => cpuSeconds[name].toFixed(1)).join(', ');
  const memory = PARTS.map((name) => mebibytes(peakBytes[name])).join(', ');
  return [
    number(tags),
    number(repositories),
    seconds.toFixed(0),
    cpu,
    `${cpuMsEach({ ...pass, tags, cpuSeconds }).toFixed(2)} ms`,
    memory,
  ].join(' | ');
}

function keptText({ tags, histories: { workflows, events, bytes: size }, actions, bytes }) {
  const counted = actions ? `${number(inHistories(actions))} | ${number(actions.heartbeats)}` : 'not counted | not counted';
  const history = `${number(events)} events, ${number(Math.round(size / 1024))} KiB`;
  return [number(tags), number(workflows), history, counted, `${mebibytes(bytes.ledger)} MiB`, `${mebibytes(bytes.temporal)} MiB`].join(
    ' | ',
  );
}

/** Of all of Twinport, Temporal and the ledger; the registries' is not counted. */
export function cpuMsEach({ tags, cpuSeconds }) {
  return (PARTS.reduce((sum, name) => sum + cpuSeconds[name], 0) / tags) * 1000;
}

function mebibytes(bytes) {
  return (bytes / 2 ** 20).toFixed(0);
}
