/** Does something at every interval, one time after the other. @param run does not throw */
export function repeat(everyMs: number, run: () => Promise<void>): { close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(run);
  }, everyMs).unref();
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
