import { expect, it } from '@jest/globals';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { keepTag, undoneTag } from '../../src/model/reference.ts';
import type { Digest } from '../../src/model/digest.ts';
import { deleteManifest, pushImage, TYPES } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { runFile, startTwinport, twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

const SECRET = 'abcDEF123';

/** A primary that tells of its pushes, a secondary, and `twinport up` between them. */
async function mirrored() {
  const port = await freePort();
  const webhook = `http://127.0.0.1:${port}/api/v4/container_registry_event/events`;
  const [primary, secondary] = await Promise.all([
    testRegistry({ version: 3, notifications: { url: webhook, secret: SECRET } }),
    testRegistry({ version: 3 }),
  ]);
  const folder = await workFolder(`
webhook: { listen: 127.0.0.1:${port}, secret: ${SECRET} }
primary: { url: '${primary.url}' }
secondaries:
  - { name: eu, url: '${secondary.url}', deletes: { policy: guard, confirmAfter: 1s } }
`);
  await startTwinport(['up'], folder).waitFor(/Dashboard: /);
  const { url, token } = await runFile(folder);
  const api = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(
      `${url}/api/v1/sites/eu${path}`,
      body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers },
    );
    return (await answer.json()) as Record<string, unknown>;
  };
  const status = () => api('');
  return {
    ...{ primary, secondary, status, api },
    command: (...args: string[]) => twinport([...args, '--site', 'eu', '--json'], folder),
    async serves(tag: string) {
      const answer = await fetch(`${secondary.url}/v2/app/manifests/${tag}`, { headers: { accept: TYPES.ociManifest } });
      return answer.status === 404 ? undefined : answer.headers.get('docker-content-digest');
    },
    async verified(count: number) {
      await eventually(
        status,
        ({ verified, pending, backfill }) => verified === count && pending === 0 && Object(backfill).state === 'done',
      );
    },
    /** As a registry sends it again, or too late. */
    async push(tag: string, digest: string) {
      const target = { mediaType: TYPES.ociManifest, repository: 'app', tag, digest, size: 1 };
      const body = JSON.stringify({ events: [{ id: `again-${Date.now()}`, action: 'push', target }] });
      const headers = { authorization: SECRET, 'content-type': 'application/vnd.docker.distribution.events.v2+json' };
      expect((await fetch(webhook, { method: 'POST', headers, body })).status).toBe(202);
    },
    /** A whole scan, to its end. */
    async scan() {
      await api('/backfill/start', {});
      await eventually(
        () => api('/backfill'),
        ({ status }) => status === 'COMPLETED',
      );
    },
  };
}

it('sets a tag back that a push moved, and keeps it there until a person lets it go; brings a deleted one back', async () => {
  const { primary, secondary, command, api, status, serves, verified, push, scan } = await mirrored();
  await pushImage(primary.url, 'app', 'stays');
  const gone = await pushImage(primary.url, 'app', 'gone', { label: 'gone' });
  const one = await pushImage(primary.url, 'app', 'latest', { label: 'v1' });
  await verified(3);
  const two = await pushImage(primary.url, 'app', 'latest', { label: 'v2' });
  await eventually(
    () => serves('latest'),
    (digest) => digest === two.digest,
  );
  await verified(3);

  const undone = await command('undo', 'app:latest');
  expect([undone.code, undone.json, undone.stderr]).toEqual([
    0,
    { id: expect.any(String), reference: 'app:latest', from: two.digest, to: one.digest, state: 'restored', reason: expect.any(String) },
    expect.stringContaining('twinport moves approve'),
  ]);
  expect(await serves('latest')).toBe(one.digest);
  expect(await serves(undoneTag('latest'))).toBe(one.digest);
  expect(await serves(keepTag(two.digest as Digest))).toBe(two.digest);
  expect(await status()).toMatchObject({ ready: false, reason: '1 move is held', heldMoves: 1, pending: 1, foreign: 0 });
  expect(await api('/images/app:latest')).toMatchObject({
    digest: two.digest,
    sync: 'pending',
    reason: expect.stringMatching(/^held: .*undo/),
  });

  // Neither a scan, nor an event that comes again or late, nor a retry moves it; asked again it is the same.
  await scan();
  expect(await serves('latest')).toBe(one.digest);
  await push('latest', two.digest);
  await api('/retry', { references: ['app:latest'] });
  await scan();
  expect(await serves('latest')).toBe(one.digest);
  expect(await api('/undo', { references: ['app:latest'] })).toMatchObject({ items: [{ id: undone.json['id'], state: 'restored' }] });

  const held = await command('moves', 'list');
  expect(held.json).toMatchObject({ id: undone.json['id'], from: one.digest, to: two.digest, state: 'held', expiresAt: null });
  expect((await command('moves', 'approve', String(held.json['id']))).code).toBe(0);
  await eventually(
    () => serves('latest'),
    (digest) => digest === two.digest,
  );
  await verified(3);
  expect(await status()).toMatchObject({ ready: true, heldMoves: 0 });

  await deleteManifest(primary.url, 'app', gone.digest);
  await eventually(
    () => serves('gone'),
    (digest) => digest === undefined,
  );
  expect((await command('undo', 'app:gone')).json).toMatchObject({ from: null, to: gone.digest, state: 'restored' });
  expect(await serves('gone')).toBe(gone.digest);
  await scan();
  await scan();
  expect(await serves('gone')).toBe(gone.digest);
  expect(await status()).toMatchObject({ held: 1, foreign: 0 });
  const deletion = (await command('deletions', 'list')).json;
  expect(deletion).toMatchObject({ reference: 'app:gone', digest: gone.digest, state: 'held', expiresAt: null });
  expect((await command('deletions', 'approve', String(deletion['id']))).code).toBe(0);
  await eventually(
    () => serves('gone'),
    (digest) => digest === undefined,
  );

  // A push of something else is followed: what was undone was another.
  expect(await api('/undo', { references: ['app:latest'] })).toMatchObject({ items: [{ to: one.digest, state: 'restored' }] });
  const three = await pushImage(primary.url, 'app', 'latest', { label: 'v3' });
  await eventually(
    () => serves('latest'),
    (digest) => digest === three.digest,
  );
  await verified(2);
  expect(await status()).toMatchObject({ ready: true, heldMoves: 0, held: 0 });
  expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);

  const nothing = await command('undo', 'app:stays');
  expect([nothing.code, nothing.stderr]).toEqual([
    2,
    expect.stringMatching(/nothing that app:stays stood for before is known at site "eu" \(it stands for sha256:/),
  ]);
});
