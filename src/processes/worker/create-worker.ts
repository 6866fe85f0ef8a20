import { Worker, type WorkerOptions } from '@temporalio/worker';

/** When a worker starts the thread that its workflows run in: a quarter of a second of the processor's time, and some 40 MB. */
export type ThreadStart = 'at once' | 'with the first workflow';

/** Creates a worker that polls for workflows without waiting for the thread that they run in. */
export async function createWorker(options: WorkerOptions, start: ThreadStart): Promise<Worker> {
  class WithLateThread extends Worker {
    // The parameters are handed on as they are.
    protected static override async createWorkflowCreator(bundle: never, compiled: never, logger: never) {
      const create = () => super.createWorkflowCreator(bundle, compiled, logger);
      let creating: ReturnType<typeof create> | undefined;
      const created = async () => {
        creating ??= create();
        // The next workflow's task tries again.
        creating.catch(() => (creating = undefined));
        return creating;
      };
      // Who needs it is told if it fails.
      if (start === 'at once') created().catch(() => undefined);
      return {
        createWorkflow: async (workflow: never) => (await created()).createWorkflow(workflow),
        destroy: async () => (await creating?.catch(() => undefined))?.destroy(),
      };
    }
  }
  return WithLateThread.create(options);
}
