import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startRegistry, type EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage, pushReferrer } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { keepRunning, processesOf, startTwinport, twinport, workFolder, type RunningTwinport } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const SECRET = 'abcDEF123';

/* One system for all of it: each test has repositories of its own, and of the site's images it counts those that have come since it began. */
describe('twinport up, and a primary that notifies', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let folder: string;
  let webhook: number;
  let up: RunningTwinport;
  /** Another one each time that a test is begun, if it is begun again too. */
  let own: (repository: string) => string;
  let begun = 0;
  let before = 0;

  keepRunning();
  beforeAll(async () => {
    webhook = await freePort();
    const notifications = { url: `http://127.0.0.1:${webhook}/api/v4/container_registry_event/events`, secret: SECRET };
    [primary, secondary] = await Promise.all([testRegistry({ version: 3, notifications }), testRegistry({ version: 2 })]);
    folder = await workFolder(`
webhook: { listen: 127.0.0.1:${webhook}, secret: ${SECRET} }
primary: { url: '${primary.url}' }
secondaries:
  - { name: eu, url: '${secondary.url}' }
`);
    up = startTwinport(['up'], folder);
    await up.waitFor(/Dashboard: /);
  });

  beforeEach(async () => {
    const folderOfTest = `test${(begun += 1)}`;
    own = (repository) => `${folderOfTest}/${repository}`;
    before = (await eventually(site, ({ verified, total }) => verified === total, 60_000, 100)).total;
  });

  it('brings each push over, and says how fast', async () => {
    await pullable(own('warm'), 'up', (await pushImage(primary.url, own('warm'), 'up')).digest);
    const times: number[] = [];
    for (let n = 0; n < 20; n++) {
      const pushed = await pushImage(primary.url, own('app'), `v${n}`, { layers: [5_000 + n] });
      const began = performance.now();
      await pullable(own('app'), `v${n}`, pushed.digest);
      times.push(performance.now() - began);
    }
    const median = times.sort((a, b) => a - b)[10] ?? 0;
    process.stderr.write(`push to pullable: median ${Math.round(median)} ms, slowest ${Math.round(times.at(-1) ?? 0)} ms\n`);
    await verified(21);
    expect(await differences()).toEqual([]);
    cell('distribution-3', 'events');
  });

  it('turns 200 pushes of one tag into a handful of rounds that end on the last digest', async () => {
    let last = '';
    for (let n = 0; n < 200; n++)
      last = (await pushImage(primary.url, own('busy'), 'latest', { layers: [{ seed: 'busy', size: 2_000 }], label: `n${n}` })).digest;
    await pullable(own('busy'), 'latest', last);
    await verified(1);
    const rounds = await roundsOf(`sync/eu/${own('busy')}:latest`);
    process.stderr.write(`200 pushes of one tag: ${rounds} rounds\n`);
    // Of 200; how many depends on how long it takes to push them.
    expect(rounds).toBeLessThan(60);
    expect(await digestAt(own('busy'), 'latest')).toBe(last);
  });

  it('accepts 500 deliveries at 8 in parallel', async () => {
    const images: { digest: string }[] = [];
    for (let n = 0; n < 50; n++) images.push(await pushImage(primary.url, own(`burst${n % 5}`), `v${n}`, { layers: [1_000 + n] }));
    await verified(50);
    const times: number[] = [];
    const statuses = new Map<number, number>();
    await inLanes(8, 500, async (n) => {
      const began = performance.now();
      const first = await deliverUntilTaken(own(`burst${n % 5}`), `v${n % 50}`, images[n % 50]?.digest ?? '');
      times.push(performance.now() - began);
      statuses.set(first, (statuses.get(first) ?? 0) + 1);
    });
    times.sort((a, b) => a - b);
    process.stderr.write(`500 deliveries: p50 ${Math.round(times[250] ?? 0)} ms, p99 ${Math.round(times[495] ?? 0)} ms\n`);
    expect([...statuses.keys()].filter((status) => status !== 202 && status !== 503)).toEqual([]);
    expect(statuses.get(202)).toBeGreaterThan(475);
  });

  it('loses no event while Temporal is killed and comes back', async () => {
    // The registry's own events would bring these too: a second registry holds them, of which nobody is told.
    const server = (await processesOf(folder)).find((line) => line.includes('start-dev') && !line.includes('/bin/sh'));
    const silent = await startRegistry({ version: 3, dir: primary.dir, port: await freePort() });
    try {
      const images = await Promise.all(
        Array.from({ length: 20 }, (_, n) => pushImage(silent.url, own(`quiet${n}`), 'v1', { layers: [1_000 + n] })),
      );
      process.kill(Number(server?.trim().split(' ')[0]), 'SIGKILL');
      const first: number[] = [];
      await inLanes(8, 20, async (n) => {
        first.push(await deliverUntilTaken(own(`quiet${n}`), 'v1', images[n]?.digest ?? ''));
      });
      expect(first.filter((status) => status !== 202 && status !== 503)).toEqual([]);
      await verified(20, 90_000).catch(async (late: unknown) => {
        const metrics = await (await fetch(`http://127.0.0.1:${webhook}/metrics`)).text();
        const waiting = metrics.split('\n').filter((line) => line.startsWith('twinport_inbox_events'));
        throw new Error([String(late), ...waiting, up.output().slice(-5_000)].join('\n'));
      });
    } finally {
      await silent.stop();
    }
  });

  it('replicates a referrer that was pushed without a tag, and a deletion', async () => {
    const image = await pushImage(primary.url, own('signed'), 'v1');
    const second = await pushImage(primary.url, own('signed'), 'v2', { layers: [700] });
    await verified(2);
    await pushReferrer(primary.url, own('signed'), image);
    await verified(3);
    // By digest: where only the tag goes, the primary keeps the digest, and a secondary that cannot untag must keep both.
    await fetch(`${primary.url}/v2/${own('signed')}/manifests/${second.digest}`, { method: 'DELETE' });
    await eventually(
      () => digestAt(own('signed'), 'v2'),
      (digest) => digest === undefined,
      40_000,
    );
    expect(await digestAt(own('signed'), 'v1')).toBe(image.digest);
    expect(await differences()).toEqual([]);
  });

  it('goes on after kill -9', async () => {
    await pushImage(primary.url, own('app'), 'v1');
    await verified(1);
    up.kill('SIGKILL');
    await up.ended;
    expect(
      await eventually(
        () => processesOf(folder),
        (left) => left.length === 0,
        20_000,
      ),
    ).toEqual([]);
    // Nobody listens; the registry keeps this event and tries again.
    const missed = await pushImage(primary.url, own('app'), 'v2', { layers: [4_000] });
    up = startTwinport(['up'], folder);
    await up.waitFor(/Dashboard: /);
    await pullable(own('app'), 'v2', missed.digest);
    await verified(2);
    expect(await differences()).toEqual([]);
  });

  it('joins a sync on the same folder', async () => {
    await pushImage(primary.url, own('app'), 'v1');
    const joined = await twinport(['sync', '--json'], folder);
    expect(joined.code).toBe(0);
    expect(joined.stderr).toMatch(/runs|joins/i);
    expect(joined.json).toMatchObject({ images: before + 1, verified: before + 1 });
    const second = await twinport(['up'], folder);
    expect(second.code).toBe(0);
    expect(second.stderr).toMatch(/already/);
  });

  it('is no longer in run.json once it closes, and who comes then waits for its end', async () => {
    await pushImage(primary.url, own('app'), 'v1');
    await verified(1);
    const answers = () =>
      fetch(`http://127.0.0.1:${webhook}/api/v1/sites/eu`).then(
        ({ ok }) => ok,
        () => false,
      );
    up.kill('SIGTERM');
    await eventually(answers, (answered) => !answered, 60_000, 5);
    expect(existsSync(join(folder, '.twinport/run.json'))).toBe(false);
    const next = startTwinport(['up'], folder);
    expect((await up.ended).code).toBe(0);
    up = next;
    await up.waitFor(/Dashboard: /);
    expect(up.output()).not.toMatch(/already/);
    await pushImage(primary.url, own('app'), 'v2');
    await verified(2);
  });

  it('ends equal when a tag keeps moving while everything is compared and copied', async () => {
    for (let n = 0; n < 10; n++) await pushImage(primary.url, own('moving'), `t${n}`, { layers: [n + 1] });
    const sync = twinport(['sync', '--json', '--verify', 'shallow'], folder);
    for (let n = 0; n < 60; n++) {
      await pushImage(primary.url, own('moving'), `t${n % 10}`, { layers: [{ seed: `moved ${n}`, size: 300 }], label: `m${n}` });
      await sleep(20);
    }
    await sync;
    await eventually(
      () => differences([own('moving')]),
      (lines) => lines.length === 0,
      60_000,
      500,
    );
    await verified(10);
  });

  async function digestAt(repository: string, tag: string): Promise<string | undefined> {
    const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json';
    const response = await fetch(`${secondary.url}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers: { accept } });
    return response.headers.get('docker-content-digest') ?? undefined;
  }

  async function pullable(repository: string, tag: string, digest: string, ms = 60_000): Promise<void> {
    await eventually(
      () => digestAt(repository, tag),
      (seen) => seen === digest,
      ms,
      10,
    );
  }

  async function site(): Promise<{ verified: number; total: number }> {
    return (await fetch(`http://127.0.0.1:${webhook}/api/v1/sites/eu`)).json() as Promise<{ verified: number; total: number }>;
  }

  /** Waits until so many images more than before the test are there, and all are verified. */
  async function verified(images: number, ms = 60_000): Promise<void> {
    await eventually(site, ({ verified: count, total }) => count === before + images && total === count, ms, 100);
  }

  async function differences(repositories?: string[]): Promise<string[]> {
    const options = repositories === undefined ? {} : { repositories };
    return difference(await walk(primary.url, options), await walk(secondary.url, options));
  }

  /** As a registry does: again until it is taken. @returns the first answer */
  async function deliverUntilTaken(repository: string, tag: string, digest: string): Promise<number> {
    const send = () => deliver(repository, tag, digest);
    const first = await send();
    if (first !== 202) await eventually(send, (status) => status === 202, 30_000, 500);
    return first;
  }

  async function deliver(repository: string, tag: string, digest: string): Promise<number> {
    const event = {
      id: `${repository}:${tag}/${Math.random()}`,
      action: 'push',
      timestamp: new Date().toISOString(),
      target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', repository, tag, digest, size: 1, length: 1 },
    };
    const response = await fetch(`http://127.0.0.1:${webhook}/api/v4/container_registry_event/events`, {
      method: 'POST',
      headers: { authorization: SECRET, 'content-type': 'application/vnd.docker.distribution.events.v1+json' },
      body: JSON.stringify({ events: [event] }),
    });
    return response.status;
  }

  async function inLanes(lanes: number, total: number, work: (n: number) => Promise<void>): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < total) await work(next++);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  /** Counted from Temporal's own histories. */
  async function roundsOf(workflowId: string): Promise<number> {
    const line = (await processesOf(folder)).find((process) => process.includes('start-dev'));
    const port = /--port (\d+)/.exec(line ?? '')?.[1];
    const connection = await Connection.connect({ address: `127.0.0.1:${port}` });
    try {
      const client = new Client({ connection });
      let rounds = 0;
      for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
        const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
        rounds += (history.events ?? []).filter(
          (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'fetchManifests',
        ).length;
      }
      return rounds;
    } finally {
      await connection.close();
    }
  }
});
