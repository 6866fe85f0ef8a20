import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runClient } from '../../support/clients.ts';
import type { Client } from './client.ts';
import { file, mustEqual } from './files.ts';

function helm(folder: string, ...args: string[]): Promise<string> {
  return runClient('helm', args, {
    cwd: folder,
    env: { HOME: folder, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder },
  });
}

/** A chart. */
export const HELM: Client = {
  programs: ['helm'],
  repositories: ['helm/demo'],
  async push({ registry, folder }) {
    await file(folder, 'demo/Chart.yaml', 'apiVersion: v2\nname: demo\nversion: 0.1.0\n');
    await file(folder, 'demo/templates/map.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: demo }\n');
    await helm(folder, 'package', 'demo');
    await helm(folder, 'push', '--plain-http', 'demo-0.1.0.tgz', `oci://${registry}/helm`);
  },
  async pull({ registry, folder, named, primary }) {
    await mkdir(folder, { recursive: true });
    await helm(folder, 'pull', '--plain-http', `oci://${registry}/${named('helm/demo')}`, '--version', '0.1.0');
    const [here, there] = await Promise.all([folder, primary.folder].map((where) => readFile(join(where, 'demo-0.1.0.tgz'), 'base64')));
    mustEqual(here, there, 'the chart');
    await helm(folder, 'template', 'demo-0.1.0.tgz');
  },
};
