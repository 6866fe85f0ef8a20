import { expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { pushImage, pushManifest } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { startTwinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const SECRET = 'abcDEF123';
const [REPOSITORIES, TAGS] = [10, 20];
const IMAGES = REPOSITORIES * TAGS;
const OUTAGE_MS = 12_000;

it('a secondary that is away under 200 pending images is hardly asked, and has them all within seconds of its return', async () => {
  const port = await freePort();
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const proxy = await quirkProxy(secondary.url);
  const folder = await workFolder(`
webhook: { listen: 127.0.0.1:${port}, secret: ${SECRET} }
primary: { url: '${primary.url}' }
secondaries: [{ name: eu, url: '${proxy.url}' }]
`);
  const up = startTwinport(['up'], folder);
  await up.waitFor(/Dashboard: /);
  const status = async () => (await (await fetch(`http://127.0.0.1:${port}/api/v1/sites/eu`)).json()) as Record<string, unknown>;
  await eventually(status, ({ ready }) => ready === true, 60_000, 200);

  proxy.rules.push({ answer: { status: 502 } });
  const changes: object[] = [];
  for (let n = 0; n < REPOSITORIES; n++) {
    const { bytes, mediaType, digest } = await pushImage(primary.url, `app${n}`, 'v0');
    for (let t = 0; t < TAGS; t++) {
      if (t > 0) await pushManifest(primary.url, `app${n}`, `v${t}`, bytes, mediaType);
      changes.push({ id: `${n}/${t}`, action: 'push', target: { mediaType, repository: `app${n}`, tag: `v${t}`, digest } });
    }
  }
  proxy.seen.length = 0;
  for (let n = 0; n < IMAGES; n += 50) await deliver(changes.slice(n, n + 50));
  await sleep(OUTAGE_MS);
  // Nobody is told that all is well meanwhile: the first to be tried are known to have failed.
  await eventually(status, ({ ready, failed }) => ready === false && Number(failed) > 0, 60_000, 200);
  const tried = proxy.count();

  proxy.reset();
  const back = performance.now();
  await eventually(status, ({ verified }) => verified === IMAGES, 120_000, 100);
  const seconds = (performance.now() - back) / 1000;
  process.stderr.write(
    `${IMAGES} images: ${tried} requests while the secondary was away, all verified ${seconds.toFixed(1)} s after its return\n`,
  );
  expect(tried).toBeLessThan(IMAGES);
  expect(await status()).toMatchObject({ failed: 0, pending: 0 });
  expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
  expect(up.output().match(/the secondary does not answer/g)).toHaveLength(1);
  expect(up.output().match(/the secondary answers again/g)).toHaveLength(1);
  up.kill('SIGTERM');
  await up.ended;

  async function deliver(events: readonly object[]): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${port}/events/distribution`, {
      method: 'POST',
      headers: { authorization: SECRET, 'content-type': 'application/vnd.docker.distribution.events.v2+json' },
      body: JSON.stringify({ events }),
    });
    if (response.status !== 503) return expect(response.status).toBe(202);
    // As a registry does: again until it is taken.
    await sleep(500);
    return deliver(events);
  }
});
