import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import type { QuirkProxy, QuirkRule } from '../support/quirk-proxy.ts';
import type { Draw } from '../support/random.ts';
import type { Ledger, Process, Temporal } from './parts.ts';

/** What may be struck. */
export interface Targets {
  readonly workers: readonly Process[];
  readonly starter: Process;
  readonly temporal: Temporal;
  readonly ledger: Ledger;
  readonly registries: readonly EmbeddedRegistry[];
  readonly proxies: readonly QuirkProxy[];
}

/** A fault, when it struck, and when it was over. */
export interface Struck {
  readonly name: string;
  readonly at: number;
  readonly until: number;
}

type Fault = (targets: Targets, draw: Draw) => Promise<void>;

/** What a proxy does to a registry's answers for a while. */
const QUIRKS: Readonly<Record<string, (draw: Draw) => QuirkRule>> = {
  'blobs cut': (draw) => ({ method: 'GET', path: /\/blobs\//, cutResponseAfter: draw.below(40_000), times: 5 }),
  'uploads cut': (draw) => ({ method: 'PATCH', cutRequestAfter: draw.below(40_000), times: 3 }),
  'answers cut': () => ({ path: /\/manifests\//, cutResponseAfter: 10, times: 5 }),
  'burst of 500': () => ({ answer: { status: 500 } }),
  'storm of 429': () => ({ answer: { status: 429, headers: { 'retry-after': '1' } } }),
  'uploads lost': () => ({
    method: 'PATCH',
    answer: { status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"upload unknown"}]}' },
    times: 2,
  }),
  slow: () => ({ bytesPerSecond: 50_000 }),
  stalled: (draw) => ({ path: /\/blobs\//, stallResponseAfter: draw.below(10_000), times: 1 }),
  late: (draw) => ({ delayMs: draw.between(100, 1_500) }),
};

const FAULTS: Readonly<Record<string, Fault>> = {
  async 'worker killed'({ workers }, draw) {
    const worker = draw.one(workers);
    await worker.signal('SIGKILL');
    await sleep(draw.between(0, 3_000));
    worker.start();
  },
  async 'worker stopped'({ workers }, draw) {
    const worker = draw.one(workers);
    await worker.signal('SIGTERM');
    worker.start();
  },
  async 'worker frozen'({ workers }, draw) {
    const worker = draw.one(workers);
    await worker.signal('SIGSTOP');
    // Longer than a heartbeat's timeout at times: then a successor has taken over.
    await sleep(draw.between(500, 15_000));
    await worker.signal('SIGCONT');
  },
  async 'starter killed'({ starter }, draw) {
    await starter.signal('SIGKILL');
    await sleep(draw.between(0, 2_000));
    starter.start();
  },
  async 'Temporal killed'({ temporal }, draw) {
    await temporal.kill();
    await sleep(draw.between(0, 4_000));
    await temporal.up();
  },
  async 'ledger away'({ ledger }, draw) {
    await ledger.down();
    await sleep(draw.between(0, 4_000));
    await ledger.up();
  },
  async 'registry restarted'({ registries }, draw) {
    await draw.one(registries).restart();
  },
  async 'registry’s answers'({ proxies }, draw) {
    const rule = QUIRKS[draw.one(Object.keys(QUIRKS))]!(draw);
    const { rules } = draw.one(proxies);
    rules.push(rule);
    await sleep(draw.between(500, 5_000));
    rules.splice(rules.indexOf(rule), 1);
  },
};

/** Faults, one every few seconds and now and then two at a time, until told to stop; each is over when this returns. */
export async function chaos(targets: Targets, draw: Draw, stopped: () => boolean): Promise<Struck[]> {
  const struck: Struck[] = [];
  const names = Object.keys(FAULTS);
  // Faults of the registries are the most common in life.
  const weighted = [...names, 'registry’s answers', 'registry’s answers', 'registry’s answers', 'worker killed'];
  const busy = new Set<string>();
  const lane = async (): Promise<void> => {
    while (!stopped()) {
      await sleep(draw.between(500, 5_000));
      const name = draw.one(weighted);
      // Of one kind of target one is struck at a time: who kills a process starts it again.
      const kind = name.split(' ')[0] ?? '';
      if (busy.has(kind)) continue;
      busy.add(kind);
      const at = Date.now();
      await FAULTS[name]!(targets, draw);
      struck.push({ name, at, until: Date.now() });
      busy.delete(kind);
    }
  };
  await Promise.all([lane(), lane()]);
  return struck;
}
