import { runClient } from '../../support/clients.ts';
import type { Client } from './client.ts';
import { layerTar, mustEqual } from './files.ts';

const skopeo = (...args: string[]) => runClient('skopeo', args);
const TAGS = ['docker', 'oci'];

/** What other clients made, converted: Docker schema 2, OCI, and schema 1, signed, which 2.8 alone takes. */
export const SKOPEO: Client = {
  programs: ['skopeo', 'crane'],
  repositories: ['skopeo/app'],
  async push({ registry, name, folder }) {
    const base = `${registry}/skopeo/app:docker`;
    await runClient('crane', ['--insecure', 'append', '-f', await layerTar(folder, 'skopeo', 120_000), '-t', base]);
    const copy = (format: string, tag: string, ...more: string[]) =>
      skopeo(
        'copy',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        '--format',
        format,
        ...more,
        `docker://${base}`,
        `docker://${registry}/skopeo/app:${tag}`,
      );
    await copy('oci', 'oci');
    if (name === 'Distribution 2.8') await copy('v2s1', 'schema1');
  },
  async pull({ registry, named, primary, name }) {
    const inspect = async (image: string) =>
      JSON.parse(await skopeo('inspect', '--tls-verify=false', `docker://${image}`)) as { Digest: string; Layers: string[] };
    const both = primary.name === 'Distribution 2.8' && name === 'Distribution 2.8';
    for (const tag of both ? [...TAGS, 'schema1'] : TAGS) {
      const [here, there] = [
        await inspect(`${registry}/${named('skopeo/app')}:${tag}`),
        await inspect(`${primary.registry}/skopeo/app:${tag}`),
      ];
      mustEqual([here.Digest, here.Layers], [there.Digest, there.Layers], tag);
    }
  },
  refused: (from, to) => (from === 'Distribution 2.8' && to.startsWith('Distribution 3') ? ['skopeo/app:schema1'] : []),
};
