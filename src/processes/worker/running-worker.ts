import type { Worker } from '@temporalio/worker';

/** Workers that poll. */
export interface RunningWorker {
  /** Stops polling, lets what runs hand over, and waits for the end. */
  stop(): Promise<void>;
  /** Rejects when a worker dies by itself. */
  readonly ended: Promise<void>;
}

/** Runs several workers as one. */
export function runTogether(workers: readonly Worker[], cleanUp: () => Promise<void> = async () => undefined): RunningWorker {
  const ended = Promise.all(workers.map((worker) => worker.run())).then(() => undefined);
  // Whoever stops a worker sees its end there.
  ended.catch(() => undefined);
  return {
    ended,
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended.catch(() => undefined);
      await cleanUp();
    },
  };
}
