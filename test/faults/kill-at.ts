import { setTimeout as sleep } from 'node:timers/promises';
import type { QuirkProxy } from '../support/quirk-proxy.ts';
import type { RunningTwinport } from '../support/twinport.ts';
import { killed, type ProcessSystem } from './process-system.ts';

export const WORKER_STEPS = ['fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests'] as const;
export const STEPS = [...WORKER_STEPS, 'markVerification'] as const;
export const MOMENTS = ['before', 'during', 'after'] as const;
export type Step = (typeof STEPS)[number];
export type Moment = (typeof MOMENTS)[number];

/** The repository in which the step is met. */
export function nameOf(step: Step, moment: Moment): string {
  return `${step.toLowerCase()}-${moment}`;
}

/**
 * Kills a worker at a step. Before: the step's task is on its way to the worker, and gets lost. During: the worker is in the middle of it. After: the
 * step is done, and its result gets lost. The last step is the starter's: there it is killed, and the worker with it.
 * @returns what waits until all that has to be killed is dead
 */
export function killAt(system: ProcessSystem, step: Step, moment: Moment, worker: RunningTwinport): () => Promise<void> {
  const repository = nameOf(step, moment);
  const { gates } = system;
  const ofStarter = step === 'markVerification';
  const toTemporal = ofStarter ? gates.starter : gates.worker;
  const { kill, dead } = death(system, ofStarter ? [worker, system.starter()] : [worker], `${moment} ${step}`);
  if (moment === 'before') toTemporal.look = (text, way) => (way === 'out' && has(text, step, `${repository}:v1`) ? kill() : 'pass');
  else if (moment === 'after')
    toTemporal.look = (text, way) => (way === 'in' && has(text, step, `${repository}:v1`, '"summary"') ? kill() : 'pass');
  else if (ofStarter) gates.ledger.look = (text, way) => (way === 'in' && has(text, 'insert into images', repository) ? kill() : 'pass');
  else {
    const [proxy, method, path] = REQUESTS[step](system);
    proxy.rules.push({ method, path: new RegExp(`^/v2/${repository}/${path}`, 'u'), onRequest: kill });
  }
  return dead;
}

/**
 * Kills the starter when it has taken an event of this repository, and Temporal has not: nobody answers it.
 * @returns what waits until it is dead
 */
export function killWithEvent(system: ProcessSystem, repository: string): () => Promise<void> {
  const { kill, dead } = death(system, [system.starter()], `with an event of ${repository}`);
  system.gates.starter.look = (text, way) => (way === 'in' && has(text, `${repository}:v1`) ? kill() : 'pass');
  return dead;
}

const has = (text: string, ...words: string[]): boolean => words.every((word) => text.includes(word));

/** A death by `kill -9`, and how long to wait for it: it may never come. */
function death(system: ProcessSystem, processes: readonly RunningTwinport[], when: string) {
  let died = (): void => undefined;
  const death = new Promise<void>((resolve) => (died = resolve));
  const kill = (): 'drop' => {
    for (const gate of Object.values(system.gates)) if (typeof gate === 'object') gate.look = undefined;
    system.source.reset();
    system.target.reset();
    void Promise.all(processes.map(killed)).then(died);
    return 'drop';
  };
  const dead = (): Promise<void> =>
    Promise.race([death, sleep(30_000, undefined, { ref: false }).then(() => Promise.reject(new Error(`nobody died ${when}`)))]);
  return { kill, dead };
}

/** A request of each step that is made in the middle of it. */
const REQUESTS: Record<(typeof WORKER_STEPS)[number], (system: ProcessSystem) => readonly [QuirkProxy, string, string]> = {
  fetchManifests: ({ source }) => [source, 'GET', 'manifests/'],
  enumerateLayers: ({ target }) => [target, 'GET', 'blobs/sha256:'],
  copyBlobs: ({ source }) => [source, 'GET', 'blobs/'],
  publishManifests: ({ target }) => [target, 'PUT', 'manifests/v1'],
};
