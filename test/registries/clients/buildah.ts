import { join } from 'node:path';
import { runClient } from '../../support/clients.ts';
import { randomBytes } from '../../support/images.ts';
import type { Client } from './client.ts';
import { file, mustEqual } from './files.ts';

/** With a storage of its own, and no container to run. */
function buildah(folder: string, ...args: string[]): Promise<string> {
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  return runClient('buildah', [...storage, ...args], { env: { BUILDAH_ISOLATION: 'chroot', TMPDIR: folder } });
}

async function commit(folder: string, arch: string, format: 'oci' | 'docker'): Promise<string> {
  const container = (await buildah(folder, 'from', 'scratch')).trim();
  await buildah(folder, 'copy', '--quiet', container, await file(folder, `${arch}.bin`, randomBytes(`buildah ${arch}`, 150_000)), '/data');
  await buildah(folder, 'config', '--arch', arch, '--os', 'linux', '--cmd', '/data', container);
  const image = `localhost/${arch}-${format}`;
  await buildah(folder, 'commit', '--quiet', '--format', format, '--rm', container, image);
  return image;
}

/** OCI and Docker images, manifest lists of both, and one compressed by zstd. */
export const BUILDAH: Client = {
  programs: ['buildah'],
  repositories: ['buildah/app'],
  async push({ registry, folder }) {
    const to = (tag: string) => `docker://${registry}/buildah/app:${tag}`;
    const plain = ['--tls-verify=false', '--quiet'];
    for (const [format, name] of [
      ['oci', 'oci'],
      ['docker', 'v2s2'],
    ] as const) {
      const images = [await commit(folder, 'amd64', format), await commit(folder, 'arm64', format)];
      await buildah(folder, 'push', ...plain, '--format', name, images[0]!, to(format));
      await buildah(folder, 'manifest', 'create', `multi-${format}`, ...images);
      await buildah(folder, 'manifest', 'push', ...plain, '--all', '--format', name, `multi-${format}`, to(`multi-${format}`));
    }
    await buildah(folder, 'push', ...plain, '--format', 'oci', '--compression-format', 'zstd', 'localhost/amd64-oci', to('zstd'));
  },
  async pull({ registry, folder, named, primary }) {
    const pulled = async (where: string, tag: string) =>
      (await buildah(folder, 'pull', '--tls-verify=false', '--quiet', `docker://${where}:${tag}`)).trim();
    for (const tag of ['oci', 'docker', 'multi-oci', 'multi-docker', 'zstd']) {
      const [here, there] = [
        await pulled(`${registry}/${named('buildah/app')}`, tag),
        await pulled(`${primary.registry}/buildah/app`, tag),
      ];
      mustEqual(here, there, `the image of ${tag}`);
    }
  },
};
