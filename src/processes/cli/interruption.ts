import { note } from './output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const HARD_EXIT = 1;

/** Ends in good order at the first signal, at once at the second. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Settles at the first signal. */
  readonly interrupted: Promise<void>;
  /** Gives the signals back to Node. */
  close(): void;
}

/** Takes SIGINT, SIGTERM and SIGHUP. */
export function onInterruption(): Interruption {
  const controller = new AbortController();
  let settle = (): void => undefined;
  const interrupted = new Promise<void>((resolve) => (settle = resolve));
  const listener = (): void => {
    // The embedded servers watch a pipe from us and end by themselves.
    if (controller.signal.aborted) process.exit(HARD_EXIT);
    note('stopping; once more to stop at once');
    controller.abort();
    settle();
  };
  for (const name of SIGNALS) process.on(name, listener);
  return {
    signal: controller.signal,
    interrupted,
    close() {
      for (const name of SIGNALS) process.off(name, listener);
    },
  };
}
