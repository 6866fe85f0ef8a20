import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';
import { processSystem } from './process-system.ts';

const MIB = 1024 * 1024;
const UPLOADS = '/v2/frozen/blobs/uploads/';
/** Much more than what lies in the buffers of sockets on the way. */
const BLOB = 32 * MIB;
/** More than it takes somebody who wakes to find out, and longer than the watch needs for a few looks. */
const AWAKE_MS = 8_000;

/* Longer than the silence after which Temporal gives its work to another one. */
describe('a worker that stood still', () => {
  it('puts no old tag when it wakes', async () => {
    const system = await processSystem({ secondary: 3 });
    const frozen = await system.startWorker();
    // Its last look at the primary's tag before it puts it: the answer waits in its socket.
    const asleep = new Promise<void>((resolve) => {
      const when = (): boolean => system.target.count('GET', /\/frozen\/manifests\/v1$/) > 0;
      const onRequest = (): void => {
        frozen.kill('SIGSTOP');
        resolve();
      };
      system.source.rules.push({ method: 'HEAD', path: /\/frozen\/manifests\/v1$/, when, times: 1, onRequest });
    });
    const watch = system.watch(['frozen']);
    try {
      await pushImage(system.primary.url, 'frozen', 'v1', { layers: [10_000] });
      await asleep;
      await system.startWorker();
      const moved = await pushImage(system.primary.url, 'frozen', 'v1', { layers: [20_000] });
      await system.verified('frozen', 'v1', moved.digest, 90_000);
      const puts = system.target.count('PUT', /\/frozen\/manifests\/v1$/);
      frozen.kill('SIGCONT');
      // The watch sees each old tag, however short.
      await sleep(AWAKE_MS);
      await watch.recovered();
      expect(system.target.count('PUT', /\/frozen\/manifests\/v1$/)).toBe(puts);
      await watch.report('frozen-worker', 'it put nothing any more; the tag stayed what its successor had put');
    } finally {
      frozen.kill('SIGCONT');
      await watch.stop();
    }
    expect(await system.uploads()).toEqual([]);
  });

  it.each([
    [3, 1.2],
    [2, 2.2],
  ] as const)('spoils nothing with the rest of a blob that its successor has brought (Distribution %i)', async (version, atMost) => {
    const system = await processSystem({ secondary: version });
    const frozen = await system.startWorker();
    const upload = new RegExp(`^${UPLOADS}`, 'u');
    const sent = (): number => system.target.bytes('sent', undefined, upload);
    system.target.rules.push({ method: 'PATCH', path: upload, bytesPerSecond: 8 * MIB });
    const watch = system.watch(['frozen'], 2_000);
    try {
      const image = await pushImage(system.primary.url, 'frozen', 'v1', { layers: [BLOB] });
      await eventually(
        async () => sent(),
        (bytes) => bytes > BLOB / 4,
      );
      frozen.kill('SIGSTOP');
      // For whoever comes next; the frozen one's request keeps its pace.
      system.target.rules.length = 0;
      await system.startWorker();
      await system.verified('frozen', 'v1', image.digest, 150_000);
      const unfinished = system.target.seen.filter(
        ({ method, path, status }) => method === 'PATCH' && path.startsWith(UPLOADS) && !status,
      ).length;
      // Else there was nothing left to be spoiled.
      expect(unfinished).toBe(1);
      const [puts, before] = [system.target.count('PUT', /manifests/), sent()];
      frozen.kill('SIGCONT');
      await sleep(AWAKE_MS);
      // Every blob is read again and hashed, now and while it slept and woke.
      await watch.recovered();
      expect(system.target.count('PUT', /manifests/)).toBe(puts);
      expect(before / BLOB).toBeLessThan(atMost);
      // Distribution 2.8 cannot remove an upload whose connection broke.
      if (version === 3) expect(await system.uploads()).toEqual([]);
      const happened = `its successor brought the blob (${(before / BLOB).toFixed(1)} × its bytes were sent); read again, it was whole`;
      await watch.report('frozen-upload', happened, `to Distribution ${version === 2 ? '2.8' : '3'}`);
    } finally {
      frozen.kill('SIGCONT');
      await watch.stop();
    }
  });
});
