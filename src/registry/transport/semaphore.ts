import { TwinportError } from '../../model/failure.ts';
import { onAbort } from './signals.ts';

/** Gives back what was taken; calling it twice does no harm. */
export type Release = () => void;

/** Lets at most so many through at a time, in the order of asking. */
export interface Semaphore {
  acquire(signal?: AbortSignal): Promise<Release>;
  resize(places: number): void;
}

/** A semaphore of `places`. */
export function createSemaphore(places: number): Semaphore {
  let size = places;
  let taken = 0;
  const waiting = new Set<() => void>();

  function release(): void {
    taken -= 1;
    wake();
  }
  function wake(): void {
    for (const next of waiting) {
      if (taken >= size) return;
      next();
    }
  }
  function take(): Release {
    taken += 1;
    let held = true;
    return () => {
      if (held) release();
      held = false;
    };
  }
  function wait(signal?: AbortSignal): Promise<Release> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        leave();
        resolve(take());
      };
      const stop = (): void => {
        leave();
        reject(stopped(signal));
      };
      const leave = (): void => {
        waiting.delete(go);
        unlink();
      };
      waiting.add(go);
      const unlink = onAbort(signal, stop);
    });
  }
  return {
    async acquire(signal) {
      if (signal?.aborted) throw stopped(signal);
      return taken < size && waiting.size === 0 ? take() : wait(signal);
    },
    resize(next) {
      size = next;
      wake();
    },
  };
}

/** What a wait throws when its signal is aborted. */
export function stopped(signal: AbortSignal | undefined): TwinportError {
  return new TwinportError('CANCELLED', 'stopped on request, while waiting for a turn', { cause: signal?.reason });
}
