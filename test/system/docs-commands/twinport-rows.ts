import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { deleteManifest, pushImage, TYPES, type PushedImage } from '../../support/images.ts';
import { testRegistry } from '../../support/registries.ts';
import { readmeTable } from '../../support/readme.ts';
import { ISSUER, SERVICE, signingKey } from '../../support/token-realm.ts';
import { eventually } from '../../support/eventually.ts';
import { workFolder, type Ended } from '../../support/twinport.ts';
import { SEEN_MS, heldListing, type DocumentedSystem } from './system.ts';

const SITE = ['--site', 'eu'];

/** Every form of "Commands", while `shop/web` fails and backs off, and `shop/denied:1` has failed for good. */
export async function runTwinportRows(system: DocumentedSystem): Promise<void> {
  const demo = system.start('demo [--exit]', ['demo', '--exit']).ended;
  await reads(system);
  await pausesAndScans(system);
  await retriesAndCancels(system);
  await waivers(system);
  // What has a system of its own goes on beside.
  const apart = Promise.all([byUrls(system), tokens(system)]);
  // Whoever fails first is the one that is told.
  apart.catch(() => undefined);
  await joins(system);
  await movesAndUndo(system);
  await deletions(system);
  await regressedPrimary(system);
  await apart;
  expect(await demo).toMatchObject({ code: 0, stdout: expect.stringMatching(/after \d+ ms: sync synced, verification succeeded/) });
}

async function reads({ twinport, start, status: seen }: DocumentedSystem): Promise<void> {
  await eventually(seen, ({ workers }) => workers === 1, SEEN_MS, 200);
  const status = 'status [--site S] [--watch]';
  expect((await twinport(status, ['status', ...SITE, '--json'], 1)).json).toMatchObject({ name: 'eu', ready: false, workers: 1 });
  const watching = start(status, ['status', '--watch', '--json']);
  await watching.waitFor(/\{"name":"eu".*\}\n\{"name":"eu".*\}\n/, SEEN_MS);
  watching.kill('SIGINT');
  expect((await watching.ended).code).toBe(1);

  const images = 'images [--site S] [--state STATE] [--repository R]';
  const failed = lines(await twinport(images, ['images', ...SITE, '--state', 'failed', '--repository', 'shop/web', '--json'], 0));
  expect(failed).toEqual(expect.arrayContaining([expect.objectContaining({ reference: 'shop/web:1.2', sync: 'failed' })]));
  expect(failed.filter(({ repository }) => repository !== 'shop/web')).toEqual([]);
  const help = (await twinport(images, ['images', '--help'], 0)).stdout;
  const [, states = ''] = (await readmeTable('Commands')).find(([form]) => form === `\`${images}\``) ?? [];
  for (const [, state] of states.matchAll(/`(\w+)`/g)) expect(help).toContain(`"${state}"`);

  const checks = lines(await twinport('doctor', ['doctor', '--json'], 0));
  expect(checks.filter(({ ok }) => ok !== true)).toEqual([]);
  for (const part of ['Temporal', 'ledger', 'pull', 'push', 'delete']) expect(checks.map(({ name }) => name).join()).toContain(part);
  expect((await twinport('config check', ['config', 'check', '--json'], 0)).json).toMatchObject({ ok: true, sites: [{ name: 'eu' }] });
}

async function pausesAndScans(system: DocumentedSystem): Promise<void> {
  const { twinport, status, ask, worker } = system;
  await twinport('pause [--site S]', ['pause', ...SITE], 0);
  await eventually(status, ({ paused }) => paused === true, SEEN_MS, 200);
  await twinport('resume [--site S]', ['resume', ...SITE], 0);
  await eventually(status, ({ paused }) => paused === false, SEEN_MS, 200);

  const form = 'limits [--site S] [--requests N] [--transfers N] [--bytes-per-second SIZE] [--scan-requests-per-second N] [--reset]';
  const changes = ['--requests', '9', '--transfers', '3', '--bytes-per-second', '20MiB', '--scan-requests-per-second', '70'];
  const changed = { requests: 9, transfers: 3, bytesPerSecond: 20 * 2 ** 20, scanRequestsPerSecond: 70 };
  const before = worker.output().length;
  await twinport(form, ['limits', ...SITE, ...changes], 0);
  await eventually(
    async () => worker.output().slice(before),
    (said) => said.includes('"transfers":3'),
    SEEN_MS,
    100,
  );
  await eventually(
    () => ask('/limits'),
    (now) => JSON.stringify(now['changed']) === JSON.stringify(changed),
    SEEN_MS,
    200,
  );
  expect((await twinport(form, ['limits', ...SITE, '--reset', '--json'], 0)).json).toMatchObject({ configured: { requests: 64 } });

  const backfill = (action: string, ...options: string[]): Promise<Ended> =>
    twinport('backfill start|pause|resume|cancel [--site S]', ['backfill', action, ...SITE, '--json', ...options], 0);
  const held = heldListing(system);
  const { json: run } = await backfill('start', '--verify', 'shallow');
  expect(run).toMatchObject({ joined: false });
  expect((await backfill('start')).json).toEqual({ ...run, joined: true });
  for (const [action, state] of [
    ['pause', 'paused'],
    ['resume', 'running'],
    ['cancel', 'cancelled'],
  ] as const) {
    await backfill(action);
    await eventually(
      () => ask('/backfill'),
      (now) => now['state'] === state || now['status'] === state.toUpperCase(),
      SEEN_MS,
      200,
    );
  }
  held.end();

  const verify = 'verify [--site S] [--depth shallow|deep] [--sample 10%] [--wait]';
  const all = ['verify', ...SITE, '--wait', '--json'];
  const deep = (await twinport(verify, [...all, '--depth', 'deep'], 0)).json;
  expect(deep).toMatchObject({ status: 'COMPLETED', depth: 'deep', failed: 0 });
  const some = (await twinport(verify, [...all, '--depth', 'shallow', '--sample', '10%'], 0)).json;
  expect(some).toMatchObject({ status: 'COMPLETED', depth: 'shallow' });
  expect(Number(some['images'])).toBeLessThan(Number(deep['images']));
}

async function retriesAndCancels(system: DocumentedSystem): Promise<void> {
  const { twinport, until, client, primary, target } = system;
  const web = ['shop/web', '1.3'] as const;
  // The row before has cancelled it.
  await twinport('retry [--site S] (--failed | REPOSITORY[:TAG]…)', ['retry', ...SITE, web.join(':')], 0);
  const { attempts } = await until(...web, ({ sync }) => sync === 'failed', SEEN_MS);
  await twinport('retry [--site S] (--failed | REPOSITORY[:TAG]…)', ['retry', ...SITE, '--failed'], 0);
  await until(...web, (seen) => seen.attempts > attempts, SEEN_MS);
  const { json } = await twinport('cancel [--site S] REPOSITORY[:TAG]…', ['cancel', ...SITE, web.join(':'), '--json'], 0);
  expect(json).toEqual({ reference: 'shop/web:1.3', result: 'cancelled' });
  await eventually(
    async () => (await client.workflow.getHandle('sync/eu/shop/web:1.3').describe()).status.name,
    (name) => name === 'CANCELLED',
    SEEN_MS,
    200,
  );
  // From here on its registry takes it.
  target.rules.splice(
    target.rules.findIndex(({ path }) => path?.test('shop/web/manifests') === true),
    1,
  );
  await twinport('retry [--site S] (--failed | REPOSITORY[:TAG]…)', ['retry', ...SITE, 'shop/web'], 0);
  for (const tag of ['1.2', '1.3']) await system.verified('shop/web', tag, (await digestAt(primary.url, 'shop/web', tag)) ?? '?', SEEN_MS);
}

async function waivers({ twinport, status }: DocumentedSystem): Promise<void> {
  const list = async () => lines(await twinport('waivers list [--site S]', ['waivers', 'list', ...SITE, '--json'], 0));
  await twinport('waive REPOSITORY:TAG… --reason TEXT [--site S]', ['waive', 'shop/denied:1', '--reason', 'no longer sold', ...SITE], 0);
  expect(await list()).toMatchObject([{ reference: 'shop/denied:1', reason: 'no longer sold', inEffect: true }]);
  expect(await status()).toMatchObject({ waived: 1 });
  await twinport('unwaive REPOSITORY:TAG… [--site S]', ['unwaive', 'shop/denied:1', ...SITE], 0);
  expect(await list()).toEqual([]);
}

async function movesAndUndo(system: DocumentedSystem): Promise<void> {
  const { primary, secondary, twinport } = system;
  const digests: string[] = [(await digestAt(primary.url, 'app', 'latest')) ?? '?'];
  for (const label of ['v2', 'v3']) {
    const { digest } = await pushImage(primary.url, 'app', 'latest', { label });
    await system.verified('app', 'latest', digest, SEEN_MS);
    digests.push(digest);
  }
  const [one = '', two, three] = digests;
  const undo = (...options: string[]) =>
    twinport('undo [--site S] REPOSITORY:TAG… [--to DIGEST]', ['undo', ...SITE, 'app:latest', '--json', ...options], 0);
  const moves = (...args: string[]) =>
    twinport('moves list|approve|reject [ID…|--all] [--site S]', ['moves', ...args, ...SITE, '--json'], 0);
  const serves = (digest: string | undefined) => seenAt(secondary.url, 'app', 'latest', digest);

  expect((await undo()).json).toMatchObject({ from: three, to: two, state: 'restored' });
  await serves(two);
  const [held] = lines(await moves('list'));
  expect(held).toMatchObject({ reference: 'app:latest', state: 'held', from: two, to: three });
  await moves('approve', String(held?.['id']));
  await serves(three);
  // The ledger hears of it a little later.
  await system.verified('app', 'latest', three ?? '?', SEEN_MS);

  expect((await undo('--to', one)).json).toMatchObject({ to: one, state: 'restored' });
  await serves(one);
  expect((await moves('reject', '--all')).json).toMatchObject({ count: 1 });
  expect(lines(await moves('list')).map(({ state }) => state)).not.toContain('held');
  await serves(one);
}

async function deletions({ primary, secondary, twinport, status }: DocumentedSystem): Promise<void> {
  const form = 'deletions list|approve|reject [ID…|--all] [--site S]';
  const run = (...args: string[]) => twinport(form, ['deletions', ...args, ...SITE, '--json'], 0);
  // More than a day's budget: all are held.
  const digests = await Promise.all(['g0', 'g1', 'g2'].map((tag) => digestAt(primary.url, 'gone', tag)));
  await Promise.all(digests.map((digest) => deleteManifest(primary.url, 'gone', digest ?? '?')));
  await eventually(status, ({ held }) => held === 3, SEEN_MS, 200);
  const held = lines(await run('list'));
  expect(held.map(({ reference, state }) => [reference, state]).toSorted()).toEqual(
    ['g0', 'g1', 'g2'].map((tag) => [`gone:${tag}`, 'held']),
  );
  const idOf = (tag: string) => String(held.find((one) => one['tag'] === tag)?.['id']);
  expect((await run('reject', idOf('g0'))).json).toMatchObject({ count: 1 });
  expect((await run('approve', '--all')).json).toMatchObject({ count: 2 });
  for (const tag of ['g1', 'g2']) await seenAt(secondary.url, 'gone', tag, undefined);
  expect(await digestAt(secondary.url, 'gone', 'g0')).toBeDefined();
}

async function regressedPrimary({ primary, source, twinport, status, scan, until }: DocumentedSystem): Promise<void> {
  // As after a restored backup: the names are there, and of what was verified from it nothing.
  const rule = {
    path: /\/manifests\/sha256:/,
    answer: { status: 404, headers: { 'content-type': 'application/json' }, body: '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}' },
  };
  source.rules.push(rule);
  const older: PushedImage = await pushImage(primary.url, 'shop/web', '1.2', { label: 'of the backup' });
  await until('shop/web', '1.2', ({ sync }) => sync !== 'synced', SEEN_MS);
  await scan();
  const state = async () => (await status())['regressed'];
  await eventually(state, (seen) => (seen as { state?: string } | null)?.state === 'held', SEEN_MS, 200);
  for (const [verdict, decided] of [
    ['reject', 'rejected'],
    ['approve', 'approved'],
  ] as const) {
    await twinport('primary approve|reject [--site S]', ['primary', verdict, ...SITE], 0);
    expect(await state()).toMatchObject({ state: decided });
  }
  source.rules.splice(source.rules.indexOf(rule), 1);
  await until('shop/web', '1.2', ({ digest, verification }) => digest === older.digest && verification === 'succeeded', SEEN_MS);
}

const sync = 'sync [-c FILE | --primary URL --secondary URL [--include GLOB…]] [--verify auto|shallow|deep] [--dry-run] [--reset-site]';

/** A running Twinport does it: what failed for good makes it end with 1, what is held does not. */
async function joins({ twinport, folder }: DocumentedSystem): Promise<void> {
  const joined = await twinport(sync, ['sync', '-c', join(folder, 'twinport.yaml'), '--verify', 'shallow', '--json'], 1);
  expect(joined.json).toMatchObject({ failed: 1 });
}

/** What mirrors by itself: into another registry, from another folder. */
async function byUrls({ primary, twinport, start }: DocumentedSystem): Promise<void> {
  const up = 'up [-c FILE | --primary URL --secondary URL]';
  const [other, apart] = [await testRegistry({ version: 3 }), await workFolder()];
  const urls = ['--primary', primary.url, '--secondary', other.url];
  const config = join(apart, 'twinport.yaml');
  await writeFile(config, `primary: { url: '${primary.url}' }\nsecondaries: [{ name: us, url: '${other.url}' }]\n`);

  const only = [...urls, '--include', 'apart'];
  const planned = await twinport(sync, ['sync', ...only, '--dry-run', '--verify', 'auto'], 0, apart);
  expect(planned.stdout).toMatch(/apart:v1/);
  expect(await digestAt(other.url, 'apart', 'v1')).toBeUndefined();
  const copied = await twinport(sync, ['sync', ...only, '--verify', 'deep', '--reset-site', '--json'], 0, apart);
  expect(copied.json).toMatchObject({ images: 1, verified: 1, blobsCopied: 2 });
  expect(await digestAt(other.url, 'apart', 'v1')).toBe(await digestAt(primary.url, 'apart', 'v1'));
  const running = start(up, ['up', ...urls], apart);
  await running.waitFor(/Dashboard: /, SEEN_MS);
  await seenAt(other.url, 'shop/web', '1.3', await digestAt(primary.url, 'shop/web', '1.3'));
  const second = await twinport(up, ['up', ...urls], 0, apart);
  expect(second.stderr).toMatch(/runs already/);
  running.kill('SIGINT');
  expect((await running.ended).code).toBe(0);
  const checked = start(up, ['up', '-c', config], apart);
  await checked.waitFor(/Dashboard: /, SEEN_MS);
  checked.kill('SIGINT');
  expect((await checked.ended).code).toBe(0);
}

async function tokens({ primary, twinport }: DocumentedSystem): Promise<void> {
  const auth = `{ type: token-key, keyFile: registry.key, issuer: ${ISSUER}, service: ${SERVICE} }`;
  const folder = await workFolder(
    `primary: { url: '${primary.url}', auth: ${auth} }\nsecondaries: [{ name: eu, url: 'http://127.0.0.1:9' }]\n`,
  );
  await writeFile(join(folder, 'registry.key'), signingKey().key);
  const args = ['token', '--repository', 'shop/web', '--ttl', '60', '--kid', 'libtrust', '--json'];
  const { json } = await twinport('token --repository R… [--ttl SECONDS] [--kid KID]', args, 0, folder);
  const [, claims = ''] = String(json['token']).split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
    access: [{ type: 'repository', name: 'shop/web', actions: ['pull'] }],
  });
}

const lines = ({ stdout }: Ended): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function digestAt(url: string, repository: string, tag: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers: { accept: TYPES.ociManifest } });
  return answer.headers.get('docker-content-digest') ?? undefined;
}

function seenAt(url: string, repository: string, tag: string, digest: string | undefined): Promise<unknown> {
  return eventually(
    () => digestAt(url, repository, tag),
    (seen) => seen === digest,
    SEEN_MS,
    100,
  );
}
