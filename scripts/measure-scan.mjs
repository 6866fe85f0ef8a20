#!/usr/bin/env node
import { createHash } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { startRegistry } from '../dist/src/processes/embedded/registry.js';

/*
 * What a full pass costs in which nothing has changed: `node scripts/measure-scan.mjs [--repositories 1000] [--tags 100] [--budget REQUESTS_PER_SECOND]`.
 * Two CNCF Distributions 3 hold the same content, Twinport (`up`) verifies it once, and then scans all of it again. The figures are one line of JSON.
 */
const { values } = parseArgs({
  options: {
    repositories: { type: 'string', default: '1000' },
    tags: { type: 'string', default: '100' },
    budget: { type: 'string' },
  },
});
const repositories = Number(values.repositories);
const tags = Number(values.tags);
const MAIN = fileURLToPath(new URL('../dist/src/processes/cli/main.js', import.meta.url));
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const note = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const folder = await mkdtemp(join(tmpdir(), 'twinport-measure-'));
await chmod(folder, 0o711);
const ends = [() => rm(folder, { recursive: true, force: true })];
process.exitCode = await measure().then(
  () => 0,
  (error) => {
    note(error.stack);
    return 1;
  },
);
for (const end of ends.reverse()) await end();

async function measure() {
  const primary = await registry('primary');
  await pushTemplate(primary.url);
  await copyRepositories(primary.dir);
  note(`${repositories} repositories of ${tags} tags at the primary`);
  const secondary = await registry('secondary');
  await linked(join(primary.dir, 'data'), join(secondary.dir, 'data'));
  note('the same at the secondary');
  const twinport = await startTwinport(primary.url, secondary.url);
  const first = await pass(twinport, 'first', false);
  const again = await pass(twinport, 'nothing changed', true);
  const { recoveryPointSeconds, verified } = await siteOf(twinport);
  process.stdout.write(`${JSON.stringify({ repositories, tags, verified, first, again, recoveryPointSeconds })}\n`);
}

async function registry(name) {
  const started = await startRegistry({ version: 3, dir: join(folder, name) });
  ends.push(() => started.stop(500));
  return started;
}

/** One repository with all the tags, each of an image of its own: one empty config, one layer of a few bytes. */
async function pushTemplate(url) {
  const config = await pushBlob(url, Buffer.from('{}'), 'application/vnd.oci.image.config.v1+json');
  const layer = await pushBlob(url, Buffer.from('a layer of few bytes'), 'application/vnd.oci.image.layer.v1.tar');
  for (let tag = 0; tag < tags; tag++) {
    const annotations = { 'org.opencontainers.image.version': String(tag) };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], annotations });
    await ok(fetch(`${url}/v2/team/app-0/manifests/v${tag}`, { method: 'PUT', headers: { 'content-type': MANIFEST }, body }));
  }
}

async function pushBlob(url, bytes, mediaType) {
  const digest = digestOf(bytes);
  const started = await ok(fetch(`${url}/v2/team/app-0/blobs/uploads/`, { method: 'POST' }));
  const location = new URL(started.headers.get('location'), url);
  location.searchParams.set('digest', digest);
  await ok(fetch(location, { method: 'PUT', body: bytes }));
  return { mediaType, digest, size: bytes.length };
}

/** In its storage a repository is a folder of small files that nobody writes to here: hard links of them are as good as copies. */
async function copyRepositories(dir) {
  const root = join(dir, 'data/docker/registry/v2/repositories/team');
  for (let next = 1; next < repositories; next++) await linked(join(root, 'app-0'), join(root, `app-${next}`));
}

async function linked(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await promisify(execFile)('cp', ['-al', from, to]);
}

async function startTwinport(primary, secondary) {
  const config = join(folder, 'twinport.yaml');
  const budget = values.budget === undefined ? '' : `\n    backfill: { every: 24h, requestsPerSecond: ${values.budget} }`;
  await writeFile(
    config,
    `webhook: { listen: '127.0.0.1:0' }\nprimary: { url: '${primary}' }\nsecondaries:\n  - name: eu\n    url: '${secondary}'${budget}\n`,
  );
  const child = spawn(process.execPath, [MAIN, 'up', '-c', config], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  ends.push(async () => {
    child.kill('SIGTERM');
    await new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done()));
  });
  for (;;) {
    await sleep(200);
    if (child.exitCode !== null) throw new Error('twinport up has ended');
    const run = await readFile(join(folder, '.twinport/run.json'), 'utf8').catch(() => undefined);
    if (run) return JSON.parse(run);
  }
}

/** Waits for the end of a backfill, started here if wanted, and tells what it took. */
async function pass({ url, token }, name, start) {
  const before = await requestsOf(url);
  const began = performance.now();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  if (start) await ok(fetch(`${url}/api/v1/sites/eu/backfill/start`, { method: 'POST', headers, body: '{}' }));
  for (let said = -1; ; await sleep(500)) {
    const state = await fetch(`${url}/api/v1/sites/eu/backfill`).then((answer) => answer.json());
    const tenth = Math.floor((10 * (state.done ?? 0)) / repositories);
    if (tenth > said) note(`${name}: ${state.done ?? 0} of ${repositories}`);
    said = Math.max(said, tenth);
    if (state.status === 'COMPLETED') break;
    if (state.status === 'FAILED') throw new Error(`the ${name} pass failed`);
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const requests = Object.fromEntries(Object.entries(await requestsOf(url)).map(([side, n]) => [side, n - (before[side] ?? 0)]));
  const perSecond = Math.round(Object.values(requests).reduce((sum, n) => sum + n, 0) / seconds);
  return { seconds, requests, perSecond };
}

async function requestsOf(url) {
  const text = await fetch(`${url}/metrics`).then((answer) => answer.text());
  const sums = {};
  for (const [, labels, value] of text.matchAll(/^twinport_registry_requests_total\{([^}]*)\} (\d+)/gm)) {
    const side = /side="([^"]*)"/.exec(labels)?.[1] ?? '?';
    sums[side] = (sums[side] ?? 0) + Number(value);
  }
  return sums;
}

async function siteOf({ url }) {
  return fetch(`${url}/api/v1/sites/eu`).then((answer) => answer.json());
}

async function ok(answering) {
  const answer = await answering;
  if (answer.ok) return answer;
  throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`);
}
