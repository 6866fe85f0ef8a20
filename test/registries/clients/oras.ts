import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runClient } from '../../support/clients.ts';
import type { Client } from './client.ts';
import { file, mustEqual } from './files.ts';

const SBOM = '{"sbom":true}';

interface Discovered {
  readonly digest: string;
  readonly artifactType?: string;
  readonly referrers?: Discovered[];
}

async function discover(reference: string): Promise<string[]> {
  const text = await runClient('oras', ['discover', '--plain-http', '--format', 'json', reference]);
  const flat = ({ digest, artifactType, referrers = [] }: Discovered): string[] => [
    `${artifactType} ${digest}`,
    ...referrers.flatMap(flat),
  ];
  return ((JSON.parse(text) as Discovered).referrers ?? []).flatMap(flat).sort();
}

/** Artifacts, and what is attached to them: by the referrers API where there is one, else by the fallback tag. */
export const ORAS: Client = {
  programs: ['oras'],
  repositories: ['oras/artifact'],
  async push({ registry, folder }) {
    const oras = (...args: string[]) => runClient('oras', args, { cwd: folder });
    const artifact = `${registry}/oras/artifact`;
    await file(folder, 'model.bin', 'weights');
    await file(folder, 'sbom.json', SBOM);
    await file(folder, 'signature', 'signed');
    await oras(
      'push',
      '--plain-http',
      '--artifact-type',
      'application/vnd.example.model',
      `${artifact}:v1`,
      'model.bin:application/vnd.example.weights',
    );
    await oras('attach', '--plain-http', '--artifact-type', 'application/vnd.example.sbom', `${artifact}:v1`, 'sbom.json:application/json');
    await oras('attach', '--plain-http', '--artifact-type', 'application/vnd.example.signature', `${artifact}:v1`, 'signature:text/plain');
    // What is attached to what is attached.
    const sbom = (await discover(`${artifact}:v1`)).find((line) => line.includes('sbom'))?.split(' ')[1];
    await oras(
      'attach',
      '--plain-http',
      '--artifact-type',
      'application/vnd.example.signature',
      `${artifact}@${sbom}`,
      'signature:text/plain',
    );
  },
  async pull({ registry, folder, named, primary }) {
    const artifact = `${registry}/${named('oras/artifact')}`;
    const [here, there] = [await discover(`${artifact}:v1`), await discover(`${primary.registry}/oras/artifact:v1`)];
    mustEqual(here, there, 'what is attached');
    mustEqual(here.length, 3, 'how much is attached');
    await mkdir(folder, { recursive: true });
    await runClient('oras', ['pull', '--plain-http', `${artifact}:v1`], { cwd: folder });
    mustEqual(await readFile(join(folder, 'model.bin'), 'utf8'), 'weights', 'the artifact');
    const sbom = here.find((line) => line.includes('sbom'))?.split(' ')[1];
    await runClient('oras', ['pull', '--plain-http', `${artifact}@${sbom}`], { cwd: folder });
    mustEqual(await readFile(join(folder, 'sbom.json'), 'utf8'), SBOM, 'what was attached');
  },
};
