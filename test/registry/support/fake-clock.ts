/** A clock that stands still until it is told to go on. */
export interface FakeClock {
  now(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Goes on by so many milliseconds, from one end of a wait to the next. */
  advance(ms: number): Promise<void>;
}

/** Starts at 0. */
export function fakeClock(): FakeClock {
  let time = 0;
  const waits = new Set<{ readonly at: number; go(): void }>();
  return {
    now: () => time,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        const entry = {
          at: time + ms,
          go: () => {
            waits.delete(entry);
            resolve();
          },
        };
        waits.add(entry);
        signal?.addEventListener('abort', () => {
          waits.delete(entry);
          reject(signal.reason as Error);
        });
      }),
    async advance(ms) {
      const end = time + ms;
      for (;;) {
        await settled();
        const next = [...waits].sort((a, b) => a.at - b.at)[0];
        if (!next || next.at > end) break;
        time = Math.max(time, next.at);
        next.go();
      }
      time = end;
      await settled();
    },
  };
}

/** Lets all promises that can go on do so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
