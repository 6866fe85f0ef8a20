import { afterAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';
import type { EmbeddedTemporal } from '../../src/processes/embedded/temporal.ts';
import { pushImage, sha256, TYPES, type PushedImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { randomOf } from '../support/random.ts';
import { testRegistry } from '../support/registries.ts';
import { testTemporal } from '../support/temporal.ts';
import { eventually } from '../support/eventually.ts';
import { startTwinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const SECRET = 'abcDEF123';
const TOKEN = 'token-of-this-test';
const SECONDS = 30;
/** Up to here from 0.45 the dice say that the worker is killed. */
const KILL = 0.5;
const REPOSITORIES = ['team/a', 'team/b'];
const TAGS = ['v1', 'v2', 'v3'];

/** What a tag holds at the primary, and when it was asked to and did. */
interface Held {
  readonly image: PushedImage;
  readonly asked: number;
  readonly done: number;
}

interface Seen {
  readonly verified: number;
  readonly total: number;
  readonly failed: number;
  readonly lagSeconds: number | null;
  readonly recoveryPoint: string | null;
  readonly recoveryPointSeconds: number | null;
}

/*
 * Real registries, a starter, and a worker that is killed again and again, while tags move, half of their events are lost, the
 * secondary refuses now and then, and scans begin at any time. What
 * the status says is held against what is read from outside: the point is never later than what is there, the lag never reaches beyond
 * the moment at which all was there and verified.
 */
describe('a real history', () => {
  it.each([1, 2, 3, 4, 5])('of seed %i: observed ≤ true ≤ proven, whenever it is looked at', async (seed) => {
    const random = randomOf(seed);
    const site = `history-${seed}-${Date.now().toString(36)}`;
    const [temporal, postgres] = await shared();
    const [primary, secondary, port] = await Promise.all([
      testRegistry({ version: 3 }),
      testRegistry({ version: seed % 2 === 0 ? 2 : 3 }),
      freePort(),
    ]);
    // For a while now and then it takes no manifests: images fail, and scans end without being closed.
    const target = await quirkProxy(secondary.url);
    const api = `http://127.0.0.1:${port}`;
    const folder = await workFolder(`
temporal: { address: '${temporal.address}', namespace: default }
ledger: { url: '${postgres.url}' }
control: { url: '${api}', token: ${TOKEN} }
webhook: { listen: '127.0.0.1:${port}', secret: ${SECRET} }
primary: { url: '${primary.url}' }
secondaries: [{ name: ${site}, url: '${target.url}', backfill: { every: continuous } }]
`);
    const starter = startTwinport(['starter'], folder);
    await starter.waitFor(/Dashboard: /);
    let worker = startTwinport(['worker', '--site', site], folder);
    const status = async () => (await (await fetch(`${api}/api/v1/sites/${site}`)).json()) as Seen;
    const held = new Map<string, Held>();
    /** When all was last seen to be there and verified. */
    let settledAt = Date.now();
    const told = { checks: 0, proved: 0, kills: 0, refusals: 0, failed: 0, pushes: 0, events: 0, worstProven: 0 };

    /** Pushes a new image under a tag; half of the time nobody is told. */
    const push = async (): Promise<void> => {
      const repository = REPOSITORIES[Math.floor(random() * REPOSITORIES.length)] ?? '';
      const tag = TAGS[Math.floor(random() * TAGS.length)] ?? '';
      const layer = { seed: `${site} ${told.pushes++}`, size: 20_000 };
      const asked = Date.now();
      const image = await pushImage(primary.url, repository, tag, { layers: [layer] });
      held.set(`${repository}:${tag}`, { image, asked, done: Date.now() });
      if (random() < 0.5) return;
      told.events += 1;
      const pushed = { mediaType: TYPES.ociManifest, repository, tag, digest: image.digest };
      await fetch(`${api}/events/distribution`, {
        method: 'POST',
        headers: { authorization: SECRET, 'content-type': 'application/vnd.docker.distribution.events.v2+json' },
        body: JSON.stringify({ events: [{ id: `${told.pushes}`, action: 'push', target: pushed }] }),
      });
    };

    /** What is not at the secondary under its tag, by when it was pushed. */
    const lacking = async (): Promise<number[]> => {
      const found = await Promise.all(
        [...held].map(async ([key, { image, asked }]) => {
          const [repository = '', tag = ''] = key.split(':');
          return (await digestAt(secondary.url, repository, tag)) === image.digest ? [] : [asked];
        }),
      );
      return found.flat();
    };

    const check = async (): Promise<void> => {
      const before = await lacking();
      const at = Date.now();
      const seen = await status();
      told.checks += 1;
      told.failed = Math.max(told.failed, seen.failed);
      if (seen.recoveryPoint !== null) {
        told.proved += 1;
        told.worstProven = Math.max(told.worstProven, seen.recoveryPointSeconds ?? 0);
        const point = Date.parse(seen.recoveryPoint);
        for (const [key, { image, done }] of held) {
          if (done > point) continue;
          const whole = await isWhole(secondary.url, key.split(':')[0] ?? '', image);
          if (!whole) throw new Error(`${site} proved ${point}, and ${key}@${image.digest} of ${done} is not at the secondary`);
        }
        if (seen.lagSeconds !== null && seen.lagSeconds > (seen.recoveryPointSeconds ?? 0) + 1)
          throw new Error(`${site} observed ${seen.lagSeconds} s, and proved ${seen.recoveryPointSeconds} s`);
      }
      // A killed worker leaves doubts, which are no changes; but whatever is observed is younger than the moment at which nothing was.
      if (seen.lagSeconds !== null && at - seen.lagSeconds * 1_000 < settledAt - 2_000)
        throw new Error(`${site} observed a change ${seen.lagSeconds} s ago, and ${(at - settledAt) / 1_000} s ago there was none`);
      if (before.length === 0 && seen.lagSeconds === 0 && seen.verified === held.size && seen.total === held.size) settledAt = at;
    };

    await push();
    for (const until = Date.now() + SECONDS * 1_000; Date.now() < until;) {
      // However few steps a slow machine takes: a history without a killed worker shows little.
      const overdue = told.kills === 0 && Date.now() > until - SECONDS * 500;
      const dice = overdue ? KILL : random();
      if (dice < 0.35) await push();
      else if (dice < 0.45) {
        const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
        await fetch(`${api}/api/v1/sites/${site}/backfill/start`, { method: 'POST', headers, body: '{}' });
      } else if (dice <= KILL) {
        worker.kill('SIGKILL');
        await worker.ended;
        told.kills += 1;
        await check();
        worker = startTwinport(['worker', '--site', site], folder);
      } else if (dice < 0.53) {
        if (target.rules.length > 0) target.reset();
        else target.rules.push({ method: 'PUT', path: /manifests/, status: 403 });
        told.refusals += 1;
      } else await sleep(100 + random() * 400);
      await check();
    }
    target.reset();
    // In the end a point is proved that is later than the last change.
    const last = Date.now();
    await eventually(
      async () => {
        await check();
        return status();
      },
      (seen) => seen.recoveryPoint !== null && Date.parse(seen.recoveryPoint) > last,
      150_000,
      1_000,
    );
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
    process.stderr.write(`a real history of seed ${seed}: ${JSON.stringify(told)}\n`);
    expect(told.kills).toBeGreaterThan(0);
    expect(told.proved).toBeGreaterThan(0);
  });
});

async function digestAt(url: string, repository: string, reference: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v2/${repository}/manifests/${reference}`, { headers: { accept: TYPES.ociManifest } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return answer.ok ? sha256(bytes) : undefined;
}

/** Manifest, config and layers, read and hashed. */
async function isWhole(url: string, repository: string, image: PushedImage): Promise<boolean> {
  if ((await digestAt(url, repository, image.digest)) !== image.digest) return false;
  for (const { digest } of [image.config, ...image.layers]) {
    const answer = await fetch(`${url}/v2/${repository}/blobs/${digest}`);
    if (sha256(new Uint8Array(await answer.arrayBuffer())) !== digest) return false;
  }
  return true;
}

let ledgerFolder: string | undefined;
let parts: Promise<[EmbeddedTemporal, EmbeddedPostgres]> | undefined;

function shared(): Promise<[EmbeddedTemporal, EmbeddedPostgres]> {
  parts ??= (async () => {
    ledgerFolder = await mkdtemp(join(tmpdir(), 'twinport-ledger-'));
    await chmod(ledgerFolder, 0o711);
    return Promise.all([testTemporal(), startPostgres({ dataDir: ledgerFolder })]);
  })();
  return parts;
}

afterAll(async () => {
  await (await parts)?.[1].stop();
  if (ledgerFolder !== undefined) await rm(ledgerFolder, { recursive: true, force: true });
});
