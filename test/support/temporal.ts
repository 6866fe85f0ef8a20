import { afterAll } from '@jest/globals';
import { startTemporal, type EmbeddedTemporal, type TemporalOptions } from '../../src/processes/embedded/temporal.ts';

let server: Promise<EmbeddedTemporal> | undefined;

/** The test file's dev server, in memory, started by the first call and ended after the last test. */
export function testTemporal(options: TemporalOptions = {}): Promise<EmbeddedTemporal> {
  server ??= startTemporal(options);
  return server;
}

/**
 * Starts one of the SDK's test servers, which it gives up after five seconds: on a machine that has much to do, another try finds all of the program in
 * memory.
 */
export async function withinTries<T>(start: () => Promise<T>, tries = 3): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await start();
    } catch (thrown) {
      if (n === tries) throw thrown;
    }
  }
}

afterAll(async () => {
  await (await server)?.stop(2_000);
  server = undefined;
});
