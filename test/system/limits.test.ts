import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { processSystem } from '../faults/process-system.ts';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';

const MIB = 1024 * 1024;
/** After a measure of 8 MiB not above 32 are left: it is read with one connection. */
const BLOB = 40 * MIB;
const sorted = (limits: object | null): string => JSON.stringify(limits && Object.entries(limits).sort());

it('changes how fast a running site copies, both ways, while a large blob is under way', async () => {
  const system = await processSystem({ secondary: 3, site: 'limits: { bytesPerSecond: 256KiB }' });
  const worker = await system.startWorker();
  const read = () => system.source.bytes('received', 'GET', /\/blobs\//);
  const copied = (bytes: number) =>
    eventually(
      async () => read(),
      (now) => now > bytes,
      60_000,
      50,
    );
  const told = (count: number) => worker.waitFor(new RegExp(`(?:the limits of the site are[\\s\\S]*){${count}}`), 30_000);
  const limits = async () => (await (await fetch(`${system.url}/api/v1/sites/eu/limits`)).json()) as { changed: object | null };
  const changedTo = (wanted: object | null) => eventually(limits, ({ changed }) => sorted(changed) === sorted(wanted), 30_000, 200);

  // At the configured rate it would take more than two minutes.
  const first = await pushImage(system.primary.url, 'large', 'v1', { layers: [{ seed: 'first', size: BLOB }] });
  await copied(MIB / 4);
  await system.act('limits', { bytesPerSecond: 1e9 });
  await changedTo({ bytesPerSecond: 1e9 });
  expect(await limits()).toMatchObject({
    configured: { requests: 64, transfers: 8, bytesPerSecond: MIB / 4, scanRequestsPerSecond: null },
  });
  await system.verified('large', 'v1', first.digest, 90_000);

  // Nothing but the primary holds this one back, until it is told to be slow.
  system.source.rules.push({ method: 'GET', path: /\/blobs\//, bytesPerSecond: 2 * MIB });
  await pushImage(system.primary.url, 'large', 'v2', { layers: [{ seed: 'second', size: BLOB }] });
  await copied(BLOB + 2 * MIB);
  await system.act('limits', { bytesPerSecond: MIB / 4, transfers: 4 });
  await told(2);
  // At the secondary: what the primary sends fills the sockets' buffers meanwhile, which grow to many MiB. What had been read comes yet.
  const written = () => system.target.bytes('sent', undefined, /\/blobs\/uploads\//);
  await sleep(2_000);
  const [before, began] = [written(), performance.now()];
  await sleep(4_000);
  const perSecond = ((written() - before) / (performance.now() - began)) * 1_000;
  process.stderr.write(`told to copy 0.25 MiB a second: ${(perSecond / MIB).toFixed(2)} MiB a second\n`);
  expect(perSecond).toBeLessThan(MIB);
  expect(perSecond).toBeGreaterThan(0);
  await changedTo({ bytesPerSecond: MIB / 4, transfers: 4 });

  await system.act('limits/reset');
  await told(3);
  await changedTo(null);
  // Each blob was asked for once: nothing that was under way was dropped.
  for (const path of new Set(system.source.seen.map((one) => one.path).filter((path) => path.includes('/blobs/'))))
    expect([path, system.source.count('GET', new RegExp(path.replaceAll('/', '\\/')))]).toEqual([path, 1]);
  const audit = (await (await fetch(`${system.url}/api/v1/audit?site=eu`)).json()) as { items: { action: string; detail: object }[] };
  expect(audit.items).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ action: 'limits', detail: { bytesPerSecond: MIB / 4, transfers: 4 } }),
      expect.objectContaining({ action: 'limits reset' }),
    ]),
  );
}, 400_000);
