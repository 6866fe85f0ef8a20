import { Client, Connection } from '@temporalio/client';
import { expect, it } from '@jest/globals';
import { pushImage, pushManifest, type PushedImage } from '../support/images.ts';
import { residentBytes } from '../support/twinport.ts';
import { processSystem, type ProcessSystem } from './process-system.ts';

const TAGS = 10_000;
/** A run ends when Temporal suggests it, at 4,096 events by its default. */
const LONGEST_HISTORY = 4_096;
/** Of a process that has done nothing yet: about 170. */
const MEMORY_MIB = 600;

it(`brings ${TAGS} tags of one repository over`, async () => {
  const system = await processSystem({ secondary: 3, notify: false, direct: true });
  const images: PushedImage[] = [];
  for (let n = 0; n < 10; n++) images.push(await pushImage(system.primary.url, 'many', `image${n}`, { untagged: true }));
  const tagged = async (tag: string, { bytes, mediaType } = images[0]!): Promise<unknown> =>
    pushManifest(system.primary.url, 'many', tag, bytes, mediaType);
  for (let n = 0; n < TAGS; n += 20) await Promise.all(Array.from({ length: 20 }, (_, i) => tagged(`v${n + i}`, images[(n + i) % 10])));
  const pids = [(await system.startWorker()).pid, system.starter().pid];
  let most = 0;
  const sampling = setInterval(() => {
    for (const pid of pids) void residentBytes(pid).then((bytes = 0) => (most = Math.max(most, bytes / 2 ** 20)));
  }, 500);
  // All of it is read each time.
  const watch = system.watch(['many'], 60_000);
  try {
    await system.scanned();
    expect(await system.status()).toMatchObject({ ready: true, total: TAGS, verified: TAGS });
    await watch.recovered(240_000);
    const events = await longestHistory(system);
    expect(events).toBeLessThan(LONGEST_HISTORY);
    expect(most).toBeLessThan(MEMORY_MIB);
    const figures = `at most ${events} events in a history, ${Math.round(most)} MiB in a process`;
    await watch.report('tags-10000', `verified in spite of it; ${figures}`);
  } finally {
    clearInterval(sampling);
    await watch.stop();
  }
}, 1_500_000);

async function longestHistory({ temporalPort }: ProcessSystem): Promise<number> {
  const connection = await Connection.connect({ address: `127.0.0.1:${temporalPort}` });
  try {
    let longest = 0;
    for await (const { historyLength } of new Client({ connection }).workflow.list()) longest = Math.max(longest, historyLength);
    return longest;
  } finally {
    await connection.close();
  }
}
