import { afterAll } from '@jest/globals';
import { startTemporal, type EmbeddedTemporal, type TemporalOptions } from '../../src/processes/embedded/temporal.ts';

let server: Promise<EmbeddedTemporal> | undefined;

/** The test file's dev server, in memory, started by the first call and ended after the last test. */
export function testTemporal(options: TemporalOptions = {}): Promise<EmbeddedTemporal> {
  server ??= startTemporal(options);
  return server;
}

afterAll(async () => {
  await (await server)?.stop(2_000);
  server = undefined;
});
