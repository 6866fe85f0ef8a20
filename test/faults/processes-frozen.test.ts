import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '../support/images.ts';
import { processSystem } from './process-system.ts';

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
      // More than it takes to find out; the watch sees each old tag, however short.
      await sleep(8_000);
      await watch.recovered();
      expect(system.target.count('PUT', /\/frozen\/manifests\/v1$/)).toBe(puts);
      await watch.report('frozen-worker', 'it put nothing any more; the tag stayed what its successor had put');
    } finally {
      frozen.kill('SIGCONT');
      await watch.stop();
    }
    expect(await system.uploads()).toEqual([]);
  }, 300_000);
});
