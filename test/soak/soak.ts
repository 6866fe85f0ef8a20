import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { verifiedClaims, watchFault, type FaultWatch } from '../support/fault-table.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { drawOf, randomOf } from '../support/random.ts';
import { testRegistry } from '../support/registries.ts';
import { workFolder } from '../support/twinport.ts';
import { uploadsOf } from '../support/uploads.ts';
import { chaos, type Struck } from './chaos.ts';
import { Ledger, Process, Temporal } from './parts.ts';
import { Traffic, type Told } from './traffic.ts';

const SECRET = 'abcDEF123';
const SETTLE_MS = 600_000;
/**
 * A workflow of one image or repository that still runs so long after all is equal waits for something that never comes. One that
 * failed under the last faults rests for a minute or two before it looks again.
 */
const QUIET_MS = 180_000;
const SAMPLE_MS = 2_000;
/** A heartbeat goes out within a second of a small blob's upload, on a busy machine later. */
const UNTOLD_MS = 3_000;
const NEAR_MS = 15_000;

export interface SoakOptions {
  readonly seed: number;
  readonly seconds: number;
}

/** What a soak found. */
export interface SoakReport {
  readonly traffic: Told;
  readonly faults: Readonly<Record<string, number>>;
  /** From the last fault until both sides were equal and all was claimed to be verified, in seconds, by site. */
  readonly recovered: Readonly<Record<string, number>>;
  readonly lied: readonly string[];
  /** Uploads that were left open though somebody knew of them, by site. */
  readonly uploads: Readonly<Record<string, readonly string[]>>;
  /** Uploads that were left open and opened in the last moment of a process: before its worker could tell where, or the registry had answered. */
  readonly untold: Readonly<Record<string, number>>;
  readonly stuck: readonly string[];
  /** Of any run, in events. */
  readonly longestHistory: number;
  /** Of processes that no fault struck, in MiB: the median of the second fifth of the time, and of the last. */
  readonly memory: Readonly<Record<string, readonly [number, number]>>;
}

interface Site {
  readonly name: string;
  readonly version: 2 | 3;
  readonly registry: EmbeddedRegistry;
  readonly url: string;
}

/**
 * Runs the production processes between a Distribution 3 and two secondaries, Distribution 3 and 2.8, while people push, move and delete, and faults strike
 * every few seconds; then lets it settle, and says what is to be said of it.
 * @throws if both sides are not equal ten minutes after the last fault
 */
export async function soak({ seed, seconds }: SoakOptions): Promise<SoakReport> {
  const port = await freePort();
  const [temporal, ledger] = await Promise.all([Temporal.start(), Ledger.start()]);
  try {
    const notifications = { url: `http://127.0.0.1:${port}/events/distribution`, secret: SECRET };
    const primary = await testRegistry({ version: 3, notifications });
    const source = await quirkProxy(primary.url);
    const targets = await Promise.all(
      ([3, 2] as const).map(async (version) => {
        const registry = await testRegistry({ version });
        const proxy = await quirkProxy(registry.url);
        return { proxy, site: { name: `eu${version}`, version, registry, url: proxy.url } };
      }),
    );
    const sites: Site[] = targets.map(({ site }) => site);
    const folder = await workFolder(configOf(port, temporal, ledger, source.url, sites));
    const starter = new Process(folder, 'starter');
    starter.start();
    await starter.ready(/Dashboard: /);
    // Of two workers a site, one is left alone: its memory is looked at.
    const [steady, victims] = [0, 1].map(() => sites.map(({ name }) => new Process(folder, 'worker', '--site', name))) as [
      Process[],
      Process[],
    ];
    for (const worker of [...steady, ...victims]) worker.start();
    await Promise.all(steady.map((worker) => worker.ready(/polls/)));

    const api = `http://127.0.0.1:${port}`;
    const until = Date.now() + seconds * 1_000;
    const stopped = (): boolean => Date.now() > until;
    const traffic = new Traffic(primary.url, drawOf(randomOf(seed)));
    const watches = sites.map((site) => watchOf(primary, site, api, traffic));
    const samples = sites.map((): number[] => []);
    const [struck] = await Promise.all([
      chaos(
        {
          ...{ workers: victims, starter, temporal, ledger },
          registries: [primary, ...sites.map(({ registry }) => registry)],
          proxies: [source, ...targets.map(({ proxy }) => proxy)],
        },
        drawOf(randomOf(seed + 1)),
        stopped,
      ),
      traffic.run(stopped),
      sampled(steady, samples, stopped),
    ]);
    const recovered = await Promise.all(
      watches.map((watch, n) =>
        watch.recovered(SETTLE_MS).catch(async (late: unknown) => {
          throw new Error(`${String(late)}\n${await openAt(api, sites[n]?.name ?? '')}`);
        }),
      ),
    );
    const [stuck, longestHistory] = await workflowsOf(temporal);
    await Promise.all(watches.map((watch) => watch.stop()));
    const bySite = <T>(of: (site: Site, n: number) => T): Record<string, T> =>
      Object.fromEntries(sites.map((site, n) => [site.name, of(site, n)]));
    const left = await Promise.all(sites.map(({ registry }) => leftUploads(registry, struck)));
    const faults: Record<string, number> = {};
    for (const { name } of struck) faults[name] = (faults[name] ?? 0) + 1;
    return {
      ...{ faults, stuck, longestHistory, traffic: traffic.told },
      recovered: bySite((_, n) => Math.round((recovered[n] ?? 0) / 100) / 10),
      lied: watches.flatMap(({ lied }) => [...lied]),
      uploads: bySite((_, n) => left[n]?.told ?? []),
      untold: bySite((_, n) => left[n]?.untold.length ?? 0),
      memory: bySite((_, n) => growth(samples[n] ?? [])),
    };
  } finally {
    await temporal.end();
    await ledger.end();
  }
}

function configOf(port: number, temporal: Temporal, ledger: Ledger, primary: string, sites: readonly Site[]): string {
  const secondaries = sites.map(
    ({ name, url }) => `
  - name: ${name}
    url: '${url}'
    deletes: { policy: mirror, confirmAfter: 2s }
    backfill: { every: continuous, requestsPerSecond: 100 }`,
  );
  return `
temporal: { address: '${temporal.address}', namespace: default }
ledger: { url: '${ledger.url}' }
control: { url: 'http://127.0.0.1:${port}', token: token-of-this-soak }
webhook: { listen: '127.0.0.1:${port}', secret: ${SECRET} }
primary: { url: '${primary}' }
secondaries:${secondaries.join('')}
`;
}

function watchOf(primary: EmbeddedRegistry, { name, registry }: Site, api: string, traffic: Traffic): FaultWatch {
  return watchFault({
    ...{ primary: primary.url, secondary: registry.url },
    options: { blobs: 'head' },
    everyMs: 1_000,
    claims: () => verifiedClaims(api, name),
    superseded: ({ repository, tag, digest }, held) => traffic.follows(repository, tag, digest, held),
  });
}

async function sampled(processes: readonly Process[], samples: readonly number[][], stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    for (const [n, process] of processes.entries()) {
      const bytes = await process.resident();
      if (bytes !== undefined) samples[n]?.push(bytes);
    }
    await sleep(SAMPLE_MS);
  }
}

/** What a site says of its images that are not verified, and of its deletions that wait. */
async function openAt(api: string, site: string): Promise<string> {
  const lists = ['images?state=failed', 'images?state=pending', 'deletions'].map(async (list) => {
    const answer = await fetch(`${api}/api/v1/sites/${site}/${list}`);
    const { items } = (await answer.json()) as { items: unknown[] };
    return [list, ...items.map((item) => JSON.stringify(item))].join('\n');
  });
  return (await Promise.all(lists)).join('\n');
}

/** What only a kill excuses: an upload whose place nobody could know yet. While Temporal is away, nobody can be told. */
async function leftUploads(registry: EmbeddedRegistry, struck: readonly Struck[]): Promise<{ told: string[]; untold: string[] }> {
  const away = struck.filter(({ name }) => name === 'Temporal killed');
  const kills = struck
    .filter(({ name }) => name === 'worker killed' || name === 'registry restarted')
    .map(({ at }) => {
      const unheard = away.filter((each) => each.at < at && each.until + UNTOLD_MS > at);
      return { from: Math.min(at, ...unheard.map((each) => each.at)) - UNTOLD_MS, to: at + UNTOLD_MS };
    });
  const left: { told: string[]; untold: string[] } = { told: [], untold: [] };
  for (const upload of await uploadsOf(registry)) {
    const { mtimeMs } = await stat(join(upload, 'startedat'));
    if (kills.some(({ from, to }) => mtimeMs > from && mtimeMs < to)) left.untold.push(upload);
    else left.told.push(`${upload}, begun ${near(mtimeMs, struck)}`);
  }
  return left;
}

/** The faults around a moment, for whoever has to find out. */
function near(ms: number, struck: readonly Struck[]): string {
  const around = struck.filter(({ at, until }) => at < ms + NEAR_MS && until > ms - NEAR_MS);
  const told = around.map(({ name, at, until }) => `${name} (${Math.round(at - ms)} to ${Math.round(until - ms)} ms from it)`);
  return told.length > 0 ? `near ${told.join(', ')}` : 'near no fault';
}

/** Early and late, without the first fifth, in which everything is loaded. */
function growth(samples: readonly number[]): [number, number] {
  const fifth = Math.floor(samples.length / 5);
  const mib = (of: readonly number[]): number => Math.round([...of].sort((a, b) => a - b)[Math.floor(of.length / 2)]! / 2 ** 20);
  return [mib(samples.slice(fifth, 2 * fifth)), mib(samples.slice(-fifth))];
}

/** Workflows that wait for what never comes, and the length of the longest history. */
async function workflowsOf(temporal: Temporal): Promise<[stuck: string[], longest: number]> {
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection });
  try {
    const running = async (): Promise<string[]> => {
      const runs: string[] = [];
      for await (const { workflowId, runId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` }))
        if (!/^(twinport\/owner|backfill\/|verify\/)/.test(workflowId)) runs.push(`${workflowId} ${runId}`);
      return runs;
    };
    let stuck = await running();
    for (const until = Date.now() + QUIET_MS; stuck.length > 0 && Date.now() < until; await sleep(1_000)) {
      const now = await running();
      stuck = stuck.filter((run) => now.includes(run));
    }
    let longest = 0;
    for await (const { historyLength } of client.workflow.list()) longest = Math.max(longest, historyLength);
    return [stuck, longest];
  } finally {
    await connection.close();
  }
}
