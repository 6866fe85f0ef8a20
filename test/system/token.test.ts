import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK } from 'jose';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';
import { fillPrimary } from './content.ts';

const ISSUER = 'omnibus-gitlab-issuer';
const SERVICE = 'container_registry';

describe.each([2, 3] as const)('a primary on Distribution %i that wants tokens', (version) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let folder: string;
  let keyFile: string;
  const pem = selfSigned();
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
    const authorization = `Bearer ${await walkToken(version, pem.key)}`;
    const repositories = ['team/app', 'team/other'];
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

function selfSigned(): { key: string; certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), 'twinport-key-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '30', '-subj', '/CN=issuer'],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
}

/** Made apart from the program's own tokens: catalog and pull for what the walk reads. */
async function walkToken(version: 2 | 3, pem: string): Promise<string> {
  const key = createPrivateKey(pem);
  const publicKey = createPublicKey(pem);
  const hash = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 30);
  const bits = [...hash].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const base32 = (bits.match(/.{5}/g) ?? []).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)]).join('');
  const kid = version === 3 ? await calculateJwkThumbprint(await exportJWK(publicKey)) : (base32.match(/.{4}/g) ?? []).join(':');
  const access = ['team/app', 'team/other'].map((name) => ({ type: 'repository', name, actions: ['pull'] }));
  return new SignJWT({ access })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
    .setIssuer(ISSUER)
    .setAudience(SERVICE)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);
}
