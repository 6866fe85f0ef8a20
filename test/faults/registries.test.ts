import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { pushImage, type PushedImage } from '../support/images.ts';
import { signToken, signingKey, tokenRealm } from '../support/token-realm.ts';
import { eventually } from '../support/eventually.ts';
import { shown, watched } from './cases.ts';
import { wireSystem, type WireSystem } from './system.ts';

const mounts: string[] = [];
const MIB = 1024 * 1024;
const BLOB = 24 * MIB;
const BLOBS = /\/blobs\/sha256:/;
const UPLOADS = /\/blobs\/uploads\//;

/** Killed where it stands, and started again with what its storage holds. */
async function killAndRestart(registry: EmbeddedRegistry): Promise<void> {
  process.kill(registry.pid, 'SIGKILL');
  await registry.restart();
}

async function pushLarge(system: WireSystem, repository: string): Promise<PushedImage> {
  const image = await pushImage(system.primary.url, repository, 'v1', { layers: [BLOB] });
  await system.deliver(repository, 'v1', image.digest);
  return image;
}

const times = (bytes: number): string => `${(bytes / BLOB).toFixed(1)} × the blob`;

describe.each([
  [2, 3],
  [3, 2],
] as const)('from Distribution %i to %i', (from, to) => {
  const among = `from Distribution ${from === 2 ? '2.8' : '3'} to ${to === 2 ? '2.8' : '3'}`;

  it('gets over registries that are killed and started again in the middle of a blob', async () => {
    const system = await wireSystem({ version: from }, { version: to });
    await watched(system, 'primary-restarted', among, ['from'], async () => {
      system.source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: 8 * MIB });
      const image = await pushLarge(system, 'from');
      const read = async (): Promise<number> => system.source.bytes('received', 'GET', BLOBS);
      await eventually(read, (bytes) => bytes > BLOB / 3);
      await killAndRestart(system.primary);
      system.source.rules.length = 0;
      await system.verified('from', 'v1', image.digest);
      return `verified; ${times(await read())} read`;
    });
    await watched(system, 'secondary-restarted', among, ['to'], async () => {
      system.target.rules.push({ path: UPLOADS, bytesPerSecond: 8 * MIB });
      const sent = async (): Promise<number> => system.target.bytes('sent', undefined, /^\/v2\/to\/blobs\/uploads\//);
      const image = await pushLarge(system, 'to');
      await eventually(sent, (bytes) => bytes > BLOB / 3);
      await killAndRestart(system.secondary);
      system.target.rules.length = 0;
      await system.verified('to', 'v1', image.digest);
      return `verified; ${times(await sent())} sent`;
    });
  }, 200_000);

  it('gets over a secondary that only reads', async () => {
    const system = await wireSystem({ version: from }, { version: to });
    await watched(system, 'read-only', among, ['app'], async () => {
      await system.secondary.restart({ readOnly: true });
      await system.deliver('app', 'v1', (await pushImage(system.primary.url, 'app', 'v1')).digest);
      const { reason } = await system.until('app', 'v1', ({ sync }) => sync === 'failed');
      await system.secondary.restart({ readOnly: false });
      await system.scan();
      return `\`failed\`: ${shown(reason ?? '')}`;
    });
  }, 200_000);

  it('gets over tokens that are not good any more, or not yet', async () => {
    const realm = await tokenRealm(from);
    const access = ['midway', 'before', 'rotated', 'ahead', 'behind'].map((name) => ({
      type: 'repository',
      name,
      actions: ['pull', 'push'],
    }));
    const own = async (): Promise<string> => `Bearer ${await signToken(from, realm.signing.key, access, { lifeSeconds: 3_600 })}`;
    let authorization = await own();
    const system = await wireSystem(
      { version: from, auth: realm.auth() },
      { version: to },
      { auth: '{ type: basic, username: twinport, password: any }', authorization: () => authorization },
    );
    const pushed = async (repository: string, layer = 1_000): Promise<string> => {
      const { digest } = await pushImage(system.primary.url, repository, 'v1', { layers: [layer], authorization });
      await system.deliver(repository, 'v1', digest);
      return digest;
    };
    await watched(system, 'token-midway', among, ['midway'], async () => {
      // A registry allows for a minute.
      realm.lifeSeconds = -57;
      system.source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: 2 * MIB, cutResponseAfter: 10 * MIB, times: 2 });
      await system.verified('midway', 'v1', await pushed('midway', 16 * MIB));
      expect(system.source.seen.filter(({ path, status }) => status === 401 && path.includes('/blobs/sha256:')).length).toBeGreaterThan(0);
      realm.lifeSeconds = 300;
      return 'verified with another token';
    });
    await watched(system, 'key-rotated', among, ['before', 'rotated'], async () => {
      await system.verified('before', 'v1', await pushed('before'));
      realm.signing = signingKey();
      authorization = await own();
      await system.primary.restart({ auth: realm.auth() });
      await system.verified('rotated', 'v1', await pushed('rotated'));
      return 'verified with a token of the new key';
    });
    for (const [row, repository, skewSeconds] of [
      ['clock-ahead', 'ahead', 3_600],
      ['clock-behind', 'behind', -3_600],
    ] as const) {
      await watched(system, row, among, [repository], async () => {
        realm.skewSeconds = skewSeconds;
        await pushed(repository);
        const { reason } = await system.until(repository, 'v1', ({ sync }) => sync === 'failed');
        realm.skewSeconds = 0;
        return `\`failed\`: ${shown(reason ?? '')}`;
      });
    }
  });

  const [disk, mounted] = mountedFolder();
  (mounted ? it : it.skip)(
    'gets over a secondary without space',
    async () => {
      const system = await wireSystem({ version: from }, { version: to, dir: disk });
      await watched(system, 'disk-full', among, ['large', 'small'], async () => {
        await pushLarge(system, 'large');
        const { reason } = await system.until('large', 'v1', ({ sync }) => sync === 'failed', 120_000);
        const small = await pushImage(system.primary.url, 'small', 'v1');
        await system.deliver('small', 'v1', small.digest);
        // Nothing of the large one is left; but for 2.8, which cannot remove an upload that broke for want of space.
        // Distribution 3 holds a file open that it has removed, until its memory is next tidied up: two minutes at most.
        if (to === 3) await system.verified('small', 'v1', small.digest, 180_000);
        expect(mount('-o', 'remount,size=128m', disk)).toBe(true);
        await system.scan();
        return `\`failed\`: ${shown(reason ?? '')}`;
      });
    },
    420_000,
  );
});

afterAll(() => {
  for (const folder of mounts.splice(0)) {
    spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
});

function mount(...args: string[]): boolean {
  return spawnSync('mount', args).status === 0;
}

/** A disk of 16 MiB, where we may mount one. */
function mountedFolder(): [string, boolean] {
  const folder = mkdtempSync(join(tmpdir(), 'twinport-disk-'));
  mounts.push(folder);
  return [folder, mount('-t', 'tmpfs', '-o', 'size=16m', 'none', folder)];
}
