import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../dist/src/processes/embedded/free-port.js';
import { startRegistry } from '../../dist/src/processes/embedded/registry.js';
import { CONTENTS, MANIFEST, pushTag } from './content.mjs';
import { measureFloor } from './floor.mjs';
import { cpuOf } from './measure.mjs';
import { quantile, reached } from './statistics.mjs';
import { makeFolder, SECRET, startProgram, withEnds } from './system.mjs';

const IDLE_PUSHES = 200;
const SUSTAINED = { perSecond: 15, seconds: 40 };

/**
 * How fast a push at the primary can be pulled at the secondary, with `twinport up` and its embedded servers on this machine: one push
 * after the other while nothing else happens, then so many a second for a while.
 */
export async function measurePushes({ folder, seed, ends, note }) {
  const dir = await makeFolder(join(folder, 'pushes'));
  const pushed = await withEnds(ends, (own) => measureProgram({ dir, seed, ends: own, note }));
  note('pushes: Temporal alone');
  const floor = await measureFloor({ dir, ends });
  await rm(dir, { recursive: true, force: true });
  return { name: 'pushes', title: 'Pushes', ...pushed, floor };
}

async function measureProgram({ dir, seed, ends, note }) {
  const webhook = await freePort();
  const notifications = { url: `http://127.0.0.1:${webhook}/events/distribution`, secret: SECRET };
  const primary = await startRegistry({ version: 2, dir: join(dir, 'primary'), notifications });
  ends.push(() => primary.stop(500));
  const secondary = await startRegistry({ version: 2, dir: join(dir, 'secondary') });
  ends.push(() => secondary.stop(500));
  await writeFile(
    join(dir, 'twinport.yaml'),
    JSON.stringify({
      webhook: { listen: `127.0.0.1:${webhook}`, secret: SECRET },
      primary: { url: primary.url },
      secondaries: [{ name: 'eu', url: secondary.url }],
    }),
  );
  const up = await startProgram(['up'], dir, /Dashboard: /, ends);
  note('pushes: one after the other');
  const push = (repository, tag) => pushTag(primary.url, repository, tag, CONTENTS.push(`${seed}/${repository}/${tag}`));
  await pullable(secondary.url, 'bench/warm', 'up', await push('bench/warm', 'up'));
  const idle = [];
  for (let at = 0; at < IDLE_PUSHES; at++) {
    const digest = await push('bench/idle', `v${at}`);
    const pushed = performance.now();
    idle.push((await pullable(secondary.url, 'bench/idle', `v${at}`, digest)) - pushed);
    // So that the record of it is not what the next push waits for.
    await sleep(50);
  }
  note(`pushes: ${SUSTAINED.perSecond} a second`);
  return { idle, sustained: await sustain(push, webhook, up.pid) };
}

/** Looks often, and gives the moment when the tag was there. */
export async function pullable(url, repository, tag, digest) {
  for (const until = performance.now() + PULLABLE_MS; performance.now() < until;) {
    const response = await fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers: { accept: MANIFEST } });
    if (response.headers.get('docker-content-digest') === digest) return performance.now();
    await sleep(2);
  }
  throw new Error(`${repository}:${tag} is not at the secondary ${PULLABLE_MS / 1000} s after its push`);
}

const PULLABLE_MS = 60_000;

/** Pushes at a steady pace, whether or not the site keeps up, and waits until it has verified all. */
async function sustain(push, webhook, pid) {
  const before = await siteAt(webhook);
  const cpuBefore = await cpuOf(pid);
  const began = performance.now();
  const count = SUSTAINED.perSecond * SUSTAINED.seconds;
  const under = [];
  for (let at = 0; at < count; at++) {
    await sleep(Math.max(0, began + (at * 1000) / SUSTAINED.perSecond - performance.now()));
    under.push(push(`bench/steady-${at % 20}`, `v${at}`));
  }
  await Promise.all(under);
  const pushed = performance.now();
  let site = await siteAt(webhook);
  while (site.verified < before.verified + count) {
    if (performance.now() > pushed + 120_000) break;
    await sleep(100);
    site = await siteAt(webhook);
  }
  const drained = performance.now();
  return {
    pushes: count,
    perSecond: count / ((pushed - began) / 1000),
    verified: site.verified - before.verified,
    failed: site.failed,
    drainSeconds: (drained - pushed) / 1000,
    cpuMsPerPush: (((await cpuOf(pid)) - cpuBefore) / count) * 1000,
  };
}

async function siteAt(port) {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/sites/eu`);
  return response.json();
}

/** What the page says of it. */
export function pushesText({ idle, floor, sustained: { pushes, perSecond, verified, failed, drainSeconds, cpuMsPerPush } }) {
  const at = (share) => `${quantile(idle, share).toFixed(0)} ms`;
  // What is drained long after is what was not kept up with.
  const keptUp = perSecond >= 14.5 && verified === pushes && failed === 0 && drainSeconds < 5;
  return [
    `- One push after the other (${idle.length}): pullable after ${at(0.5)} in the median, ${at(0.99)} at the 99th percentile. Goal: 100 ms and 500 ms: ${reached(quantile(idle, 0.5) <= 100 && quantile(idle, 0.99) <= 500)}.`,
    `- ${pushes} pushes at ${perSecond.toFixed(1)} a second: ${verified} verified and ${failed} failed ${drainSeconds.toFixed(1)} s after the last of them, ${cpuMsPerPush.toFixed(0)} ms of CPU a push (all of Twinport, Temporal and the ledger). Goal: 15 a second, and the queue drains: ${reached(keptUp)}.`,
    `- Temporal alone, with five activities a workflow that do nothing, and nothing else on the machine: ${floor.perSecond.toFixed(1)} workflows a second, ${floor.cpuMs.toFixed(0)} ms of CPU each (server and worker); one after the other, the fourth of them, which publishes a push, begins after ${quantile(floor.fourthMs, 0.5).toFixed(0)} ms in the median. Less than that no push can take.`,
  ];
}
