import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { testRegistry } from '../support/registries.ts';
import { ISSUER, SERVICE, signingKey, signToken } from '../support/token-realm.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';
import { fillPrimary } from './content.ts';

describe.each([2, 3] as const)('a primary on Distribution %i that wants tokens', (version) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let folder: string;
  let keyFile: string;
  const pem = signingKey();
  beforeAll(async () => {
    secondary = await testRegistry({ version: 3 });
    // Filled while it is open, and closed then.
    primary = await testRegistry({ version });
    await fillPrimary(primary.url);
    await primary.restart({
      auth: { type: 'token', realm: `${primary.url}/nobody-answers-here`, service: SERVICE, issuer: ISSUER, certificate: pem.certificate },
    });
  });

  async function configured(): Promise<void> {
    keyFile = 'registry.key';
    folder = await workFolder(`
primary:
  url: ${primary.url}
  auth: { type: token-key, keyFile: ${keyFile}, issuer: ${ISSUER}, service: ${SERVICE} }
secondaries:
  - name: eu
    url: ${secondary.url}
    repositories: { exclude: ['scratch/**'] }
`);
    await writeFile(join(folder, keyFile), pem.key);
  }

  it('is mirrored with nothing but the shared key', async () => {
    await configured();
    const ended = await twinport(['sync', '--json'], folder);
    expect(ended.stderr).not.toMatch(/error/i);
    expect(ended.code).toBe(0);
    // The walk reads with a token of its own, that covers all repositories.
    const repositories = ['team/app', 'team/other'];
    const access = repositories.map((name) => ({ type: 'repository', name, actions: ['pull'] }));
    const authorization = `Bearer ${await signToken(version, pem.key, access)}`;
    expect(difference(await walk(primary.url, { authorization, repositories }), await walk(secondary.url, { repositories }))).toEqual([]);
    expect((await walk(secondary.url)).tags).not.toHaveProperty(['scratch/tmp']);
  });

  it('gets a token from `twinport token` that pulls, and that neither pushes nor opens another repository', async () => {
    await configured();
    const printed = await twinport(['token', '--repository', 'team/app', '--json'], folder);
    expect(printed.code).toBe(0);
    const authorization = `Bearer ${String(printed.json['token'])}`;
    const ask = async (method: string, path: string) =>
      (await fetch(`${primary.url}/v2/${path}`, { method, headers: { authorization } })).status;
    expect(await ask('GET', 'team/app/tags/list')).toBe(200);
    expect(await ask('POST', 'team/app/blobs/uploads/')).toBe(401);
    expect(await ask('DELETE', 'team/app/manifests/v1')).toBe(401);
    expect(await ask('GET', 'team/other/tags/list')).toBe(401);
  });

  it('never writes the key or a token anywhere', async () => {
    await configured();
    const ended = await twinport(['sync', '--json'], folder, { TWINPORT_LOG: 'debug' });
    const found = spawnSync('grep', ['-rlE', 'eyJhbGciOi|PRIVATE KEY', join(folder, '.twinport')], { encoding: 'utf8' });
    expect([found.status, found.stdout]).toEqual([1, '']);
    expect(ended.stdout + ended.stderr).not.toMatch(/eyJhbGciOi|PRIVATE KEY/);
  });
});
