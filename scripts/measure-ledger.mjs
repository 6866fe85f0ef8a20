#!/usr/bin/env node
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { openLedger } from '../dist/src/ledger/index.js';
import { startPostgres } from '../dist/src/processes/embedded/postgres.js';
import { startTemporal } from '../dist/src/processes/embedded/temporal.js';
import { startStarter } from '../dist/src/processes/starter/main.js';
import { connectTemporal } from '../dist/src/processes/temporal/connect.js';
import { fillLedger, withClient } from './bench/fill-ledger.mjs';

/*
 * What people wait for where the ledger is large: `node scripts/measure-ledger.mjs [--rows 1000000] [--seconds 60]`. A real PostgreSQL with that many images
 * of one site, a hundred a repository, one of 1,000 failed and one of 777 pending; a starter with it; and each request as often as fits. Meanwhile somebody has the page open and
 * Prometheus reads the metrics, and verifications are recorded. The figures are JSON, a line a request: milliseconds, and the memory of the process at the start and the end.
 */
const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' }, seconds: { type: 'string', default: '60' } } });
const rows = Number(values.rows);
const seconds = Number(values.seconds);
const TAGS = 100;
const TIMES = 20;
const PAGES = {
  'the page': '/',
  sites: '/api/v1/sites',
  'one site': '/api/v1/sites/eu',
  'images, first page': '/api/v1/sites/eu/images',
  failed: '/api/v1/sites/eu/images?state=failed',
  pending: '/api/v1/sites/eu/images?state=pending',
  verified: '/api/v1/sites/eu/images?state=verified',
  waived: '/api/v1/sites/eu/images?state=waived',
  held: '/api/v1/sites/eu/images?state=held',
  missing: '/api/v1/sites/eu/images?state=missing',
  excluded: '/api/v1/sites/eu/images?state=excluded',
  'of a repository': `/api/v1/sites/eu/images?repository=team-0/app-1`,
  'searched by repository': '/api/v1/sites/eu/images?q=app-99',
  'searched, nothing found': '/api/v1/sites/eu/images?q=nothing-like-it',
  'searched by tag, nothing found': '/api/v1/sites/eu/images?q=:nothing-like-it',
  'searched by both, failed': '/api/v1/sites/eu/images?q=app-7:v1.0&state=failed',
  'older than a day': '/api/v1/sites/eu/images?olderThan=24h',
  'older than an hour, failed': '/api/v1/sites/eu/images?olderThan=1h&state=failed',
  'an image': '/api/v1/sites/eu/images/team-0/app-1:v1.5',
  samples: '/api/v1/sites/eu/samples',
  metrics: '/metrics',
};

const folder = await mkdtemp(join(tmpdir(), 'twinport-measure-'));
await chmod(folder, 0o711);
const ends = [() => rm(folder, { recursive: true, force: true })];
try {
  await measure();
} finally {
  for (const end of ends.reverse()) await end();
}

async function measure() {
  const postgres = await startPostgres({ dataDir: join(folder, 'data') });
  ends.push(() => postgres.stop());
  const ledger = await openLedger(postgres.poolConfig);
  ends.push(() => ledger.close());
  await fill(postgres.poolConfig);
  const temporal = await startTemporal({});
  ends.push(() => temporal.stop(500));
  const { client, close } = await connectTemporal({ address: temporal.address, namespace: 'default' });
  ends.push(close);
  const starter = await startStarter({
    config: {
      webhook: { listen: '127.0.0.1:0', secrets: {} },
      retention: { inboxMs: 86_400_000, auditMs: 86_400_000, historyMs: 86_400_000 },
    },
    ...{ client, ledger, token: 'the-token', webhookSecret: 'tTheSecret', logger: pino({ level: 'warn' }, process.stderr) },
    sites: [{ name: 'eu', policy: {} }],
  });
  ends.push(() => starter.close());
  const listening = new AbortController();
  ends.push(() => listening.abort());
  void listen(`${starter.url}/api/v1/events`, listening.signal);
  await sleep(5_000);
  const before = memory();
  for (const [name, path] of Object.entries(PAGES)) {
    process.stdout.write(`${JSON.stringify({ request: name, ...(await timesOf(starter.url + path)) })}\n`);
  }
  const stop = performance.now() + seconds * 1000;
  for (let at = 0; performance.now() < stop; at++) {
    await touch(postgres.poolConfig, at);
    await (await fetch(`${starter.url}/metrics`)).text();
    await sleep(1_000);
  }
  process.stdout.write(`${JSON.stringify({ rows, memoryMiB: { before, after: memory() } })}\n`);
}

async function timesOf(url) {
  const times = [];
  let bytes = 0;
  let status = 0;
  for (let at = 0; at < TIMES; at++) {
    const since = performance.now();
    const answer = await fetch(url);
    bytes = (await answer.text()).length;
    status = answer.status;
    times.push(performance.now() - since);
  }
  const sorted = times.map((ms) => Math.round(ms)).sort((a, b) => a - b);
  return { status, first: Math.round(times[0]), median: sorted[TIMES / 2], worst: sorted.at(-1), bytes };
}

/** Somebody has the page open. */
async function listen(url, signal) {
  try {
    const { body } = await fetch(url, { signal });
    for await (const chunk of body) void chunk;
  } catch {
    // Ended.
  }
}

function memory() {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / 1024 ** 2);
}

/** A repository's images are verified again. */
function touch(config, at) {
  const repository = `team-0/app-${at % 100}`;
  return withClient(config, (client) =>
    client.query(`update images set verified_at = $1, look = $1, looked_at = $1 where site = 'eu' and repository = $2`, [
      Date.now(),
      repository,
    ]),
  );
}

async function fill(config) {
  const now = Date.now();
  await withClient(config, async (client) => {
    await client.query(`insert into sites (name, fingerprint, paused, created_at, backfill, backfilled_at, catalog_at, catalog_excluded)
      values ('eu', 'x', false, 0, '{"state":"done","done":1,"total":1,"excluded":0,"failures":[]}', ${now}, ${now - 60_000}, 0)`);
    await client.query(`insert into scans (id, site, repository, started_at, pages, listed, excluded, complete, finished_at)
      select 'c' || g, 'eu', null, ${now - 60_000} - g * 3600000, 1, ${TAGS}, 0, true, ${now} - g * 3600000 from generate_series(0, 19) g`);
  });
  await fillLedger(config, {
    ...{ rows, tags: TAGS },
    repository: `'team-' || r / 100 || '/app-' || r`,
    tag: `'v1.' || g % ${TAGS}`,
    digest: `'sha256:' || md5(g::text) || md5((g + 1)::text)`,
    state: `case when g % 1000 = 0 then 'failed' when g % 777 = 0 then 'pending' else 'synced' end`,
  });
}
