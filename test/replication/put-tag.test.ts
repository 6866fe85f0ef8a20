import { expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../src/model/digest.ts';
import { publishManifests } from '../../src/replication/publish-manifests.ts';
import { pushImage, pushManifest } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { walk } from '../support/walk.ts';
import { replicate, route, sitePair } from './pair.ts';

it('does not put a tag when the primary’s word for it has grown old, as that of a worker which stood still', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  await pushImage(primary.url, 'app', 'v1', { label: 'old' });
  const successor = sitePair(primary.url, secondary.url);
  let held = false;
  const slow = createServer((request, response) => {
    void (async () => {
      const answer = await fetch(`${primary.url}${request.url ?? ''}`, {
        method: request.method ?? 'GET',
        headers: { accept: request.headers.accept ?? '*/*' },
      });
      const body = Buffer.from(await answer.arrayBuffer());
      if (request.method === 'HEAD' && (request.url ?? '').endsWith('/manifests/v1') && !held) {
        held = true;
        // While this answer is on its way the tag moves, and the other worker brings it over.
        const { bytes, mediaType } = await pushImage(primary.url, 'app', 'new', { label: 'new' });
        await pushManifest(primary.url, 'app', 'v1', bytes, mediaType);
        await replicate(successor, 'app');
        await sleep(5_100);
      }
      response.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => name !== 'transfer-encoding')));
      response.end(body);
    })();
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  try {
    const frozen = sitePair(`http://127.0.0.1:${(slow.address() as AddressInfo).port}`, secondary.url);
    const { published } = await replicate(frozen, 'app', { tags: ['v1'] });
    expect(held).toBe(true);
    expect(published).toMatchObject([{ tag: 'v1', state: 'moved', changed: false }]);
    const [wanted, there] = [await walk(primary.url), await walk(secondary.url)];
    expect(there.tags['app']?.['v1']).toBe(wanted.tags['app']?.['v1']);
  } finally {
    slow.close();
    slow.closeAllConnections();
  }
});

it('says that a tag was put where the primary could not be asked again, and not where it never came to that', async () => {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
  const { digest } = await pushImage(primary.url, 'app', 'v1');
  const [source, target] = await Promise.all([quirkProxy(primary.url), quirkProxy(secondary.url)]);
  const tag = /\/manifests\/v1/;
  let put = false;
  target.rules.push({ method: 'PUT', path: tag, onRequest: () => (put = true) });
  source.rules.push({ path: tag, when: () => put, answer: { status: 403 } });
  const site = sitePair(source.url, target.url);
  const { published } = await replicate(site, 'app', { tags: ['v1'] });
  expect(published).toMatchObject([{ tag: 'v1', state: 'failed', failure: { code: 'DENIED' }, put: true }]);
  expect((await walk(secondary.url)).tags['app']?.['v1']).toBe(digest);

  const another = await pushImage(primary.url, 'app', 'v2', { label: 'another' });
  target.rules.unshift({ method: 'PUT', path: /\/manifests\//, answer: { status: 403 } });
  const refused = await replicate(site, 'app', { tags: ['v2'] });
  expect(refused.published).toMatchObject([{ tag: 'v2', state: 'failed' }]);
  expect(refused.published[0]).not.toHaveProperty('put');
  // No answer is no refusal.
  target.rules.splice(0, 1, { method: 'PUT', path: /\/manifests\/v2/, cutRequestAfter: 10 });
  expect((await replicate(site, 'app', { tags: ['v2'] })).published).toMatchObject([{ tag: 'v2', state: 'failed', put: true }]);
  const failure = { code: 'UNREACHABLE', message: 'the primary is away', retry: 'later' } as const;
  const image = { tag: 'v2', digest: another.digest as Digest };
  const early = await publishManifests(route(site, 'app'), [image], [{ digest: another.layers[0]?.digest as Digest, failure }]);
  expect(early.images).toMatchObject([{ tag: 'v2', state: 'failed', failure: { code: 'UNREACHABLE' } }]);
  expect(early.images[0]).not.toHaveProperty('put');
});
