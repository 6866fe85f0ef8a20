import { describe, expect, it } from '@jest/globals';
import { pushImage } from '../support/images.ts';
import { verifiedClaims, watchFault } from '../support/fault-table.ts';
import { eventually } from '../support/eventually.ts';
import type { RunningTwinport } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';
import { killed, processSystem, type ProcessSystem } from './process-system.ts';

const GIB = 1024 ** 3;
const BLOBS = /\/blobs\//;

const stopped = async (worker: RunningTwinport): Promise<void> => {
  worker.kill('SIGTERM');
  await worker.ended;
};

/* The source is slowed down, so that a quarter takes some seconds. */
describe('a blob of 1 GiB', () => {
  it.each([
    ['large-killed', 3, killed],
    ['large-stopped', 2, stopped],
  ] as const)(
    '%s: goes on at each quarter where its worker left it (Distribution %i)',
    async (row, version, end) => {
      const system = await processSystem({ secondary: version });
      system.source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: 96 * 1024 * 1024 });
      let worker = await system.startWorker();
      // Its bytes are hashed at the end, once: reading them all the time would be all that there is to see.
      const watch = watchFault({
        ...{ primary: system.primary.url, secondary: system.secondary.url },
        options: { repositories: ['large'], blobs: 'head' },
        everyMs: 1_000,
        claims: () => verifiedClaims(system.url, 'eu', ['large']),
      });
      try {
        await pushImage(system.primary.url, 'large', 'v1', { layers: [{ seed: row, size: GIB }] });
        for (const quarter of [0.25, 0.5, 0.75]) {
          await eventually(
            async () => read(system),
            (bytes) => bytes > quarter * GIB,
            120_000,
          );
          await end(worker);
          worker = await system.startWorker();
        }
        await watch.recovered(180_000);
        const times = read(system) / GIB;
        expect(times).toBeLessThan(1.1);
        expect(difference(await walk(system.primary.url), await walk(system.secondary.url))).toEqual([]);
        expect(await system.uploads()).toEqual([]);
        await watch.report(row, `verified in spite of it; ${times.toFixed(2)} times its size was read from the primary`);
      } finally {
        await watch.stop();
      }
    },
    600_000,
  );
});

const read = (system: ProcessSystem): number => system.source.bytes('received', 'GET', BLOBS);
