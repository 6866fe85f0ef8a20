import { runClient } from '../../support/clients.ts';
import type { Client } from './client.ts';
import { layerTar, mustEqual } from './files.ts';

const crane = (...args: string[]) => runClient('crane', ['--insecure', ...args]);

/** Docker and OCI images and an index, in single uploads. */
export const CRANE: Client = {
  programs: ['crane'],
  repositories: ['crane/app', 'crane/copy'],
  async push({ registry, folder }) {
    const app = `${registry}/crane/app`;
    const [one, two] = [await layerTar(folder, 'one', 200_000), await layerTar(folder, 'two', 3_000)];
    await crane('append', '-f', one, '-t', `${app}:docker`);
    await crane('append', '--oci-empty-base', '-f', one, '-f', two, '-t', `${app}:oci`);
    await crane('mutate', `${app}:oci`, '--annotation', 'org.example.by=crane', '-t', `${app}:annotated`);
    await crane('index', 'append', '-m', `${app}:oci`, '-m', `${app}:annotated`, '-t', `${app}:multi`);
    await crane('index', 'append', '-m', `${app}:docker`, '--docker-empty-base', '-t', `${app}:multi-docker`);
    await crane('copy', `${app}:multi`, `${registry}/crane/copy:multi`);
  },
  async pull({ registry, named, primary }) {
    const app = `${registry}/${named('crane/app')}`;
    const there = `${primary.registry}/crane/app`;
    for (const tag of ['docker', 'oci', 'annotated', 'multi', 'multi-docker']) {
      mustEqual(await crane('digest', `${app}:${tag}`), await crane('digest', `${there}:${tag}`), `digest of ${tag}`);
    }
    for (const tag of ['docker', 'oci', 'annotated']) await crane('validate', '--remote', `${app}:${tag}`);
    mustEqual((await crane('ls', app)).trim().split('\n').sort(), (await crane('ls', there)).trim().split('\n').sort(), 'tags');
  },
};
