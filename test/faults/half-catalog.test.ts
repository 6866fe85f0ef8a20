import { expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';
import { difference, walk } from '../support/walk.ts';
import { refused } from './cases.ts';
import { processSystem } from './process-system.ts';

it('takes nothing from the secondary where the primary lists half of its repositories, even if the others are gone', async () => {
  const system = await processSystem({ secondary: 3, notify: false, site: 'deletes: { policy: guard, confirmAfter: 1s }' });
  await system.startWorker();
  const repositories = Array.from({ length: 8 }, (_, n) => `app${n}`);
  const half = repositories.filter((_, n) => n % 2 === 1);
  for (const repository of repositories) for (const tag of ['v1', 'v2', 'v3']) await pushImage(system.primary.url, repository, tag);
  await system.scanned();
  await eventually(system.status, ({ verified }) => verified === 24, 60_000, 200);
  const before = await walk(system.secondary.url);
  const watch = system.watch(repositories);
  try {
    const listing = (bytes: Buffer): string =>
      JSON.stringify({
        repositories: (JSON.parse(bytes.toString()) as { repositories: string[] }).repositories.filter((name) => !half.includes(name)),
      });
    system.source.rules.push({ path: /_catalog/, body: listing });
    const asked = system.source.count('GET', /app1\/tags\/list/);
    for (let n = 0; n < 2; n++) await system.scanned();
    // By name, since the ledger knows of them.
    expect(system.source.count('GET', /app1\/tags\/list/)).toBeGreaterThanOrEqual(asked + 2);
    expect(await system.status()).toMatchObject({ ready: true, verified: 24, held: 0 });

    const path = new RegExp(`^/v2/(${half.join('|')})/`, 'u');
    system.source.rules.push({
      path: new RegExp(`${path.source}tags`, 'u'),
      answer: refused(404, 'NAME_UNKNOWN', 'repository name not known'),
    });
    system.source.rules.push({ path, answer: refused(404, 'MANIFEST_UNKNOWN', 'manifest unknown') });
    for (let n = 0; n < 3; n++) {
      await system.scanned();
      await sleep(1_000);
    }
    const { held } = await eventually(system.status, (seen) => Number(seen['held']) > 0, 30_000, 200);
    expect(system.target.count('DELETE')).toBe(0);
    expect(difference(before, await walk(system.secondary.url))).toEqual([]);
    system.source.rules.length = 0;
    await system.scanned();
    await watch.recovered();
    expect(await system.status()).toMatchObject({ ready: true, held: 0 });
    await watch.report('half-catalog', `nothing was deleted; when the other half answered 404 too, ${String(held)} deletions were held`);
  } finally {
    await watch.stop();
  }
}, 240_000);
