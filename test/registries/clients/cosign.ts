import { join } from 'node:path';
import { runClient } from '../../support/clients.ts';
import type { Client } from './client.ts';
import { file, layerTar, mustEqual } from './files.ts';

function cosign(folder: string, ...args: string[]): Promise<string> {
  return runClient('cosign', args, { cwd: folder, env: { HOME: folder, COSIGN_PASSWORD: '' } });
}

const OFFLINE = ['--tlog-upload=false', '--use-signing-config=false', '--allow-http-registry', '--yes'];
const CHECKED = ['--insecure-ignore-tlog', '--allow-http-registry'];

/** Signatures and attestations by a key: as tags (`.sig`, `.att`), and as bundles that refer to the image. */
export const COSIGN: Client = {
  programs: ['cosign', 'crane'],
  repositories: ['cosign/tags', 'cosign/bundle'],
  async push({ registry, folder }) {
    await cosign(folder, 'generate-key-pair');
    const predicate = await file(folder, 'predicate.json', '{"made":"here"}');
    for (const [repository, bundle] of [
      ['cosign/tags', 'false'],
      ['cosign/bundle', 'true'],
    ] as const) {
      const image = `${registry}/${repository}`;
      await runClient('crane', [
        '--insecure',
        'append',
        '-f',
        await layerTar(folder, repository.replace('/', '-'), 20_000),
        '-t',
        `${image}:v1`,
      ]);
      const digest = (await runClient('crane', ['--insecure', 'digest', `${image}:v1`])).trim();
      const format = `--new-bundle-format=${bundle}`;
      await cosign(folder, 'sign', '--key', 'cosign.key', ...OFFLINE, format, `${image}@${digest}`);
      await cosign(
        folder,
        'attest',
        '--key',
        'cosign.key',
        '--type',
        'custom',
        '--predicate',
        predicate,
        ...OFFLINE,
        format,
        `${image}@${digest}`,
      );
    }
  },
  async pull({ registry, named, primary }) {
    for (const [repository, bundle] of [
      ['cosign/tags', 'false'],
      ['cosign/bundle', 'true'],
    ] as const) {
      const image = `${registry}/${named(repository)}:v1`;
      const key = ['--key', join(primary.folder, 'cosign.pub'), ...CHECKED, `--new-bundle-format=${bundle}`];
      await cosign(primary.folder, 'verify', ...key, image);
      const tags = await runClient('crane', ['--insecure', 'ls', image.replace(':v1', '')]);
      mustEqual(/\.sig$/m.test(tags), bundle === 'false', `a tag .sig in ${tags}`);
      await cosign(primary.folder, 'verify-attestation', '--type', 'custom', ...key, image);
    }
  },
};
