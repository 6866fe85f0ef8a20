import { describe, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '../support/images.ts';
import type { QuirkProxy } from '../support/quirk-proxy.ts';
import type { RunningTwinport } from '../support/twinport.ts';
import { killed, processSystem, type ProcessSystem } from './process-system.ts';

const STEPS = ['fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'markVerification'] as const;
const MOMENTS = ['before', 'during', 'after'] as const;
type Step = (typeof STEPS)[number];
const ROWS: Record<Step, string> = {
  fetchManifests: 'killed-fetchManifests',
  enumerateLayers: 'killed-enumerateLayers',
  copyBlobs: 'killed-copyBlobs',
  publishManifests: 'killed-publishManifests',
  markVerification: 'killed-markVerification',
};
type Moment = (typeof MOMENTS)[number];

/*
 * Before: the step's task is on its way to the worker, and gets lost. During: the worker is in the middle of it. After: the step is done, and
 * its result gets lost. The last step is the starter's: there it is killed, and the worker with it.
 */
describe('a worker killed at every step', () => {
  it('leaves the step to another one', async () => {
    const system = await processSystem({ secondary: 3 });
    const repositories = STEPS.flatMap((step) => MOMENTS.map((moment) => nameOf(step, moment)));
    let worker = await system.startWorker();
    const watch = system.watch(repositories);
    try {
      for (const step of STEPS) {
        for (const moment of MOMENTS) {
          const died = armed(system, step, moment, worker);
          await pushImage(system.primary.url, nameOf(step, moment), 'v1', { layers: [50_000, 300_000] });
          await Promise.race([
            died,
            sleep(30_000, undefined, { ref: false }).then(() => Promise.reject(new Error(`nobody died ${moment} ${step}`))),
          ]);
          worker = await system.startWorker();
          if (step === 'markVerification') await system.startStarter();
        }
      }
      await watch.recovered(240_000);
      for (const step of STEPS) await watch.report(ROWS[step], 'another worker went on; verified without a hand');
    } finally {
      await watch.stop();
    }
  }, 600_000);
});

/** Resolves once what has to be killed at this moment is dead. */
function armed(system: ProcessSystem, step: Step, moment: Moment, worker: RunningTwinport): Promise<unknown> {
  const repository = nameOf(step, moment);
  const { gates } = system;
  const ours = step === 'markVerification' ? [worker, system.starter()] : [worker];
  const toTemporal = step === 'markVerification' ? gates.starter : gates.worker;
  const { promise, resolve } = withResolvers<unknown>();
  const kill = (): 'drop' => {
    toTemporal.look = gates.ledger.look = undefined;
    system.source.reset();
    system.target.reset();
    resolve(Promise.all(ours.map(killed)));
    return 'drop';
  };
  const has = (text: string, ...words: string[]): boolean => words.every((word) => text.includes(word));
  if (moment === 'before') toTemporal.look = (text, way) => (way === 'out' && has(text, step, `${repository}:v1`) ? kill() : 'pass');
  else if (moment === 'after')
    toTemporal.look = (text, way) => (way === 'in' && has(text, step, `${repository}:v1`, '"summary"') ? kill() : 'pass');
  else if (step === 'markVerification')
    gates.ledger.look = (text, way) => (way === 'in' && has(text, 'insert into images', repository) ? kill() : 'pass');
  else {
    const [proxy, method, path] = REQUESTS[step](system);
    proxy.rules.push({ method, path: new RegExp(`^/v2/${repository}/${path}`, 'u'), onRequest: kill });
  }
  return promise;
}

/** A request of each step that is made in the middle of it. */
const REQUESTS: Record<Exclude<Step, 'markVerification'>, (system: ProcessSystem) => readonly [QuirkProxy, string, string]> = {
  fetchManifests: ({ source }: ProcessSystem) => [source, 'GET', 'manifests/'],
  enumerateLayers: ({ target }: ProcessSystem) => [target, 'GET', 'blobs/sha256:'],
  copyBlobs: ({ source }: ProcessSystem) => [source, 'GET', 'blobs/'],
  publishManifests: ({ target }: ProcessSystem) => [target, 'PUT', 'manifests/v1'],
};

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T | Promise<T>) => void } {
  let resolve: (value: T | Promise<T>) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

function nameOf(step: Step, moment: Moment): string {
  return `${step.toLowerCase()}-${moment}`;
}
