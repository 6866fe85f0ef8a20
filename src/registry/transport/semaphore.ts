import { TwinportError } from '../../model/failure.ts';
import { onAbort } from './signals.ts';

/** Gives back what was taken; calling it twice does no harm. */
export type Release = () => void;

/** Lets at most so many through at a time, in the order of asking. */
export interface Semaphore {
  /** @param first before all who wait already */
  acquire(signal?: AbortSignal, first?: boolean): Promise<Release>;
  resize(places: number): void;
  readonly taken: number;
  readonly waiting: number;
}

/** A semaphore of `places`. */
export function createSemaphore(places: number): Semaphore {
  let size = places;
  let taken = 0;
  const waiting = new Set<() => void>();
  const urgent = new Set<() => void>();

  function release(): void {
    taken -= 1;
    wake();
  }
  function wake(): void {
    for (const queue of [urgent, waiting]) {
      for (const next of queue) {
        if (taken >= size) return;
        next();
      }
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
  function wait(queue: Set<() => void>, signal?: AbortSignal): Promise<Release> {
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
        queue.delete(go);
        unlink();
      };
      queue.add(go);
      const unlink = onAbort(signal, stop);
    });
  }
  return {
    async acquire(signal, first = false) {
      if (signal?.aborted) throw stopped(signal);
      const queue = first ? urgent : waiting;
      return taken < size && queue.size === 0 ? take() : wait(queue, signal);
    },
    resize(next) {
      size = next;
      wake();
    },
    get taken() {
      return taken;
    },
    get waiting() {
      return waiting.size + urgent.size;
    },
  };
}

/** What a wait throws when its signal is aborted. */
export function stopped(signal: AbortSignal | undefined): TwinportError {
  return new TwinportError('CANCELLED', 'stopped on request, while waiting for a turn', { cause: signal?.reason });
}
