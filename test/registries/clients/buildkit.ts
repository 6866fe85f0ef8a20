import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawnChild } from '../../../src/processes/embedded/child.ts';
import { runClient } from '../../support/clients.ts';
import { findPart } from '../../support/parts.ts';
import { randomBytes } from '../../support/images.ts';
import type { Client } from './client.ts';
import { file, mustEqual } from './files.ts';

/** Lends a BuildKit daemon that remembers nothing and reaches the registries by http. */
async function withBuildKit<T>(
  folder: string,
  registries: readonly string[],
  use: (build: (...args: string[]) => Promise<string>) => Promise<T>,
): Promise<T> {
  const socket = join(folder, 'socket');
  const config = await file(
    folder,
    'buildkitd.toml',
    registries.map((one) => `[registry."${one}"]\nhttp = true\ninsecure = true\n`).join(''),
  );
  const options = ['--oci-worker-snapshotter=native', '--oci-worker-net=host', '--containerd-worker=false'];
  const daemon = await spawnChild({
    command: findPart('buildkitd') ?? 'buildkitd',
    args: ['--root', join(folder, 'state'), '--addr', `unix://${socket}`, '--config', config, ...options],
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    logFile: join(folder, 'buildkitd.log'),
    readyWhen: async () => existsSync(socket),
  });
  const context = ['--local', `context=${join(folder, 'context')}`, '--local', `dockerfile=${join(folder, 'context')}`];
  const common = ['--addr', `unix://${socket}`, 'build', '--progress=plain', '--frontend', 'dockerfile.v0', ...context];
  try {
    // Its progress, where cached steps show, goes to standard error.
    return await use((...args) => runClient('sh', ['-c', 'exec "$@" 2>&1', 'sh', findPart('buildctl') ?? 'buildctl', ...common, ...args]));
  } finally {
    await daemon.stop();
  }
}

async function writeContext(folder: string): Promise<void> {
  await mkdir(join(folder, 'context'), { recursive: true });
  await file(folder, 'context/Dockerfile', 'FROM scratch\nCOPY one /one\nCOPY two /two\n');
  await file(folder, 'context/one', randomBytes('buildkit one', 150_000));
  await file(folder, 'context/two', randomBytes('buildkit two', 2_000));
}

/** Images of two platforms with provenance, zstd layers, and the cache in both forms: as an index of blobs, and as a manifest. */
export const BUILDKIT: Client = {
  programs: ['buildctl', 'buildkitd', 'runc', 'crane'],
  repositories: ['buildkit/app', 'buildkit/cache'],
  async push({ registry, name, folder }) {
    await writeContext(folder);
    await withBuildKit(folder, [registry], async (build) => {
      const output = (tag: string, more = '') => ['--output', `type=image,name=${registry}/buildkit/app:${tag},push=true${more}`];
      const cache = (tag: string, more: string) => [
        '--export-cache',
        `type=registry,ref=${registry}/buildkit/cache:${tag},mode=max${more}`,
      ];
      await build(...output('v1'), ...cache('manifest', ',image-manifest=true,oci-mediatypes=true'));
      // An index whose entries are blobs: `ociserver` wants manifests there.
      if (name !== 'ociserver') await build(...cache('index', ',image-manifest=false,oci-mediatypes=true'));
      await build(
        '--opt',
        'platform=linux/amd64,linux/arm64',
        '--opt',
        'attest:provenance=mode=max',
        ...output('multi', ',oci-mediatypes=true'),
      );
      await build(...output('zstd', ',compression=zstd,force-compression=true,oci-mediatypes=true'));
    });
  },
  async pull({ registry, name, folder, named, primary }) {
    const app = named('buildkit/app');
    const digest = (image: string) => runClient('crane', ['--insecure', 'digest', image]);
    for (const tag of ['v1', 'multi', 'zstd'])
      mustEqual(await digest(`${registry}/${app}:${tag}`), await digest(`${primary.registry}/buildkit/app:${tag}`), tag);
    await runClient('crane', ['--insecure', 'validate', '--remote', `${registry}/${app}:v1`]);
    const cache = `${registry}/${named('buildkit/cache')}`;
    for (const form of name === 'ociserver' || primary.name === 'ociserver' ? ['manifest'] : ['manifest', 'index']) {
      const manifest = await runClient('crane', ['--insecure', 'manifest', `${cache}:${form}`]);
      mustEqual(manifest.includes('"manifests"'), form === 'index', `an index of blobs: ${manifest}`);
      const own = join(folder, form);
      await writeContext(own);
      const progress = await withBuildKit(own, [registry], (build) => build('--import-cache', `type=registry,ref=${cache}:${form}`));
      if (!progress.includes('CACHED')) throw new Error(`nothing came from the cache (${form}): ${progress}`);
    }
  },
  refused: (from, to) => (to === 'ociserver' && from !== 'ociserver' ? ['buildkit/cache:index'] : []),
};
