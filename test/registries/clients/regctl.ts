import { runClient } from '../../support/clients.ts';
import type { Client } from './client.ts';
import { file, mustEqual } from './files.ts';

function regctl(registry: string, args: string[], input = ''): Promise<string> {
  return runClient('regctl', ['--host', `reg=${registry},tls=disabled`, ...args], { input });
}

/** Artifacts of a type of one's own, one that refers to another, and an index of artifacts. */
export const REGCTL: Client = {
  programs: ['regctl'],
  repositories: ['regctl/artifact'],
  async push({ registry, folder }) {
    const artifact = `${registry}/regctl/artifact`;
    const config = await file(folder, 'config.json', '{"any":"thing"}');
    const put = (text: string, ...more: string[]) => regctl(registry, ['artifact', 'put', ...more], text);
    await put('first', '--artifact-type', 'application/vnd.example.one', `${artifact}:one`);
    await put('second', '--config-type', 'application/vnd.example.config+json', '--config-file', config, `${artifact}:two`);
    await put('about it', '--artifact-type', 'application/vnd.example.note', '--subject', `${artifact}:one`);
    await regctl(registry, ['index', 'create', '--ref', `${artifact}:one`, '--ref', `${artifact}:two`, `${artifact}:multi`]);
  },
  async pull({ registry, named, primary }) {
    const artifact = `${registry}/${named('regctl/artifact')}`;
    mustEqual(await regctl(registry, ['artifact', 'get', `${artifact}:one`]), 'first', 'one');
    mustEqual(await regctl(registry, ['artifact', 'get', `${artifact}:two`]), 'second', 'two');
    mustEqual(await regctl(registry, ['artifact', 'get', '--subject', `${artifact}:one`]), 'about it', 'what refers to one');
    const digest = (host: string, repository: string) => regctl(host, ['manifest', 'head', `${host}/${repository}:multi`]);
    mustEqual(await digest(registry, named('regctl/artifact')), await digest(primary.registry, 'regctl/artifact'), 'the index');
  },
};
