import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';
import type { RunningTwinport } from '../support/twinport.ts';
import { walk } from '../support/walk.ts';
import { killed, processSystem, type ProcessSystem } from './process-system.ts';

const REPOSITORIES = ['team/a', 'team/b', 'team/c'];
/** Longer than any timeout between two processes. */
const LONG_MS = 65_000;

/* The primary tells of its pushes itself, and again until it is heard: half a second an answer, a second of rest after five failures. */
describe('what is away, and comes back', () => {
  it('all workers of a site', async () => {
    await outage('workers-down', async (system, push, worker) => {
      await killed(worker);
      await push(30, LONG_MS);
      const { ready, verified, recoveryPointSeconds } = await system.status();
      expect({ ready, verified }).toEqual({ ready: false, verified: 1 });
      expect(recoveryPointSeconds).toBeGreaterThan(LONG_MS / 1_000);
      await system.startWorker();
      return `away for ${LONG_MS / 1_000} s under 30 pushes; not \`ready\` meanwhile, a recovery point of ${String(recoveryPointSeconds)} s proved`;
    });
  }, 240_000);

  it('the starter, killed with events in flight', async () => {
    await outage('starter-killed', async (system, push) => {
      const pushing = push(30, 3_000);
      await sleep(1_500);
      await killed(system.starter());
      await pushing;
      await sleep(2_000);
      await system.startStarter();
      return 'killed in the middle of 30 pushes; the primary sent again what was not answered';
    });
  }, 180_000);

  it('Temporal, killed and started again with its file', async () => {
    await outage('temporal-restarted', async (system, push) => {
      const pushing = push(30, 6_000);
      await sleep(2_000);
      await system.killTemporal();
      await pushing;
      await system.restartTemporal();
      return 'killed in the middle of 30 pushes; what it did not take lay in the inbox, what it had went on';
    });
  }, 240_000);

  it('Temporal, where every packet is lost', async () => {
    await outage('temporal-unreachable', async (system, push) => {
      system.gates.worker.hold();
      system.gates.starter.hold();
      await push(20, LONG_MS);
      expect(await system.send(REPOSITORIES[0] ?? '', 'v0', `sha256:${'0'.repeat(64)}`)).toBe(202);
      const inbox = await inboxOf(system);
      expect(inbox).toBeGreaterThanOrEqual(20);
      system.gates.worker.open();
      system.gates.starter.open();
      await eventually(
        () => inboxOf(system),
        (left) => left === 0,
        60_000,
      );
      return `away for ${LONG_MS / 1_000} s under 20 pushes: all of them answered 202 and kept in the inbox, which was drained after`;
    });
  });

  it('the ledger', async () => {
    await outage('ledger-down', async (system, push) => {
      system.gates.ledger.shut();
      const pushed = await push(10, 20_000);
      const [last] = pushed.slice(-1);
      // What Temporal holds is copied all the same; only the records wait.
      await eventually(
        () => walk(system.secondary.url, { repositories: [last?.repository ?? ''] }),
        ({ tags }) => tags[last?.repository ?? '']?.[last?.tag ?? ''] === last?.digest,
      );
      system.gates.ledger.open();
      return 'away for 20 s under 10 pushes: they were copied meanwhile, and recorded after';
    });
  }, 180_000);

  it('Temporal and the ledger', async () => {
    await outage('both-down', async (system, push) => {
      const { worker, starter, ledger } = system.gates;
      for (const one of [worker, starter, ledger]) one.shut();
      const pushing = push(10, 15_000);
      await sleep(2_000);
      const answers = new Set<number>();
      for (let n = 0; n < 5; n++) answers.add(await system.send('team/a', 'v0', `sha256:${'0'.repeat(64)}`));
      expect([...answers]).toEqual([503]);
      await pushing;
      for (const one of [worker, starter, ledger]) one.open();
      return 'away for 15 s under 10 pushes: answered 503, and sent again by the primary';
    });
  }, 240_000);
});

interface Tagged {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

type Push = (images: number, overMs: number) => Promise<Tagged[]>;

/** Runs a system through an outage, which says what happened once it is over, and reports the row. */
async function outage(row: string, injure: (system: ProcessSystem, push: Push, worker: RunningTwinport) => Promise<string>): Promise<void> {
  const system = await processSystem({ secondary: 3 });
  const worker = await system.startWorker();
  const before = await pushImage(system.primary.url, 'before', 'v1');
  await system.verified('before', 'v1', before.digest);
  await eventually(system.status, ({ ready }) => ready === true, 60_000, 200);
  const watch = system.watch(REPOSITORIES);
  const push: Push = async (images, overMs) => {
    const pushed: Tagged[] = [];
    for (let n = 0; n < images; n++) {
      const [repository, tag] = [REPOSITORIES[n % REPOSITORIES.length] ?? '', `v${n}`];
      pushed.push({ repository, tag, digest: (await pushImage(system.primary.url, repository, tag, { layers: [20_000 + n] })).digest });
      await sleep(overMs / images);
    }
    return pushed;
  };
  try {
    const happened = await injure(system, push, worker);
    await watch.recovered(120_000);
    await watch.report(row, happened);
  } finally {
    await watch.stop();
  }
  expect(await system.uploads()).toEqual([]);
}

async function inboxOf({ url }: ProcessSystem): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^twinport_inbox_events (\d+)/mu.exec(text)?.[1] ?? Number.NaN);
}
