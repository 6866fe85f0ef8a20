import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { pushImage, pushManifest } from '../support/images.ts';
import { SECRET } from './api.ts';
import { movingTag } from './moving-tag.ts';
import { processSystem } from './process-system.ts';

describe('a webhook', () => {
  it('that is flooded takes what it can, and each change arrives', async () => {
    const system = await processSystem({ secondary: 3, notify: false });
    await system.startWorker();
    const watch = system.watch(['flood']);
    try {
      const tags = Array.from({ length: 20 }, (_, n) => `v${n}`);
      const { bytes, mediaType, digest } = await pushImage(system.primary.url, 'flood', 'v0');
      for (const tag of tags.slice(1)) await pushManifest(system.primary.url, 'flood', tag, bytes, mediaType);
      const answers = new Map<number, number>();
      const sender = async (first: number): Promise<void> => {
        for (let n = first; n < 4_000; n += 32) {
          const tag = tags[n % tags.length] ?? '';
          const status = await system.send('flood', tag, digest);
          answers.set(status, (answers.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 32 }, (_, first) => sender(first)));
      // A registry sends again what was not taken; here each tag once more is enough.
      for (const tag of tags) while ((await system.send('flood', tag, digest)) !== 202) await sleep(500);
      expect([...answers.keys()].filter((status) => status !== 202 && status !== 503)).toEqual([]);
      await watch.recovered(120_000);
      const told = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
      await watch.report(
        'webhook-flood',
        `verified in spite of it; answered ${told.length > 1 ? 'with 202, or 503 to send again' : 'with 202'}`,
      );
    } finally {
      await watch.stop();
    }
  });

  it('to which an old event is sent again brings nothing old back', async () => {
    const system = await processSystem({ secondary: 3, notify: false });
    await system.startWorker();
    const { watch, move } = movingTag(system, 'replayed');
    try {
      const old = await move(10_000);
      await system.deliver('replayed', 'v1', old);
      await system.verified('replayed', 'v1', old);
      const now = await move(20_000);
      await system.deliver('replayed', 'v1', now);
      await system.verified('replayed', 'v1', now);
      const puts = system.target.count('PUT', /\/replayed\/manifests\/v1$/);
      for (let n = 0; n < 50; n++) await system.deliver('replayed', 'v1', n % 2 === 0 ? old : now);
      // Past the looks that wait for a tag which the event told of and the primary does not show yet.
      await sleep(4_000);
      await watch.recovered();
      expect(system.target.count('PUT', /\/replayed\/manifests\/v1$/)).toBe(puts);
      await watch.report('webhook-replay', 'nothing was put; the tag stayed as the primary has it');
    } finally {
      await watch.stop();
    }
  }, 180_000);

  it('whose senders are slower than anybody may be serves the others meanwhile', async () => {
    const system = await processSystem({ secondary: 3, notify: false });
    await system.startWorker();
    const watch = system.watch(['slow-sender']);
    const { port, hostname } = new URL(system.url);
    const head = `POST /events/distribution HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: ${SECRET}\r\ncontent-type: application/vnd.docker.distribution.events.v2+json\r\ncontent-length: 100000\r\n\r\n{`;
    let [ended, dripping] = [0, true];
    const slow = Array.from({ length: 200 }, () => {
      const socket = connect(Number(port), hostname, () => socket.write(head));
      socket.on('error', () => undefined);
      socket.once('close', () => (ended += 1));
      return socket;
    });
    const drip = (async () => {
      while (dripping) {
        for (const socket of slow) if (!socket.destroyed) socket.write(' ');
        await sleep(1_000);
      }
    })();
    try {
      const image = await pushImage(system.primary.url, 'slow-sender', 'v1');
      const began = performance.now();
      await system.deliver('slow-sender', 'v1', image.digest);
      const took = performance.now() - began;
      await system.verified('slow-sender', 'v1', image.digest);
      await watch.recovered();
      // Each of them is turned away in the end.
      for (const until = Date.now() + 120_000; ended < slow.length && Date.now() < until;) await sleep(500);
      expect(ended).toBe(slow.length);
      await watch.report('webhook-slow', `verified in spite of it; another sender was answered in ${(took / 1_000).toFixed(1)} s`);
    } finally {
      dripping = false;
      await drip;
      for (const socket of slow) socket.destroy();
      await watch.stop();
    }
  }, 240_000);
});
