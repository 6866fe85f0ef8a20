import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { SignJWT, calculateJwkThumbprint, exportJWK } from 'jose';
import type { RegistryAuth } from '../../src/processes/embedded/registry-config.ts';

/*
 * Tokens made apart from the program's own.
 */

export const ISSUER = 'omnibus-gitlab-issuer';
export const SERVICE = 'container_registry';

/** A key that signs tokens, and the certificate by which a registry knows it (both PEM). */
export interface SigningKey {
  readonly key: string;
  readonly certificate: string;
}

export function signingKey(): SigningKey {
  const folder = mkdtempSync(join(tmpdir(), 'twinport-key-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '30', '-subj', '/CN=issuer'],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
}

export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface SignOptions {
  /** By the clock of who signs, in seconds since 1970; now if absent. */
  readonly now?: number;
  /** 300 if absent. */
  readonly lifeSeconds?: number;
}

/** Signs a token for a Distribution of this version. */
export async function signToken(version: 2 | 3, pem: string, access: readonly Access[], options: SignOptions = {}): Promise<string> {
  const key = createPrivateKey(pem);
  const publicKey = createPublicKey(pem);
  const now = options.now ?? Math.floor(Date.now() / 1000);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const kid = version === 3 ? await calculateJwkThumbprint(await exportJWK(publicKey)) : libtrustId(spki);
  return new SignJWT({ access })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
    .setIssuer(ISSUER)
    .setAudience(SERVICE)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + (options.lifeSeconds ?? 300))
    .sign(key);
}

function libtrustId(spki: Buffer): string {
  const bits = [...createHash('sha256').update(spki).digest().subarray(0, 30)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const base32 = (bits.match(/.{5}/g) ?? []).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)]).join('');
  return (base32.match(/.{4}/g) ?? []).join(':');
}

/** A token service; how it signs may be changed at any time. */
export interface TokenRealm {
  readonly url: string;
  signing: SigningKey;
  /** Of its clock. */
  skewSeconds: number;
  /** How long its tokens are good. */
  lifeSeconds: number;
  /** Tokens that it gave out. */
  given: number;
  /** The settings of a registry that trusts it. */
  auth(): RegistryAuth;
}

/** Starts a token service for a Distribution of this version, that ends with the test file; it says of all its tokens that they are good for five minutes. */
export async function tokenRealm(version: 2 | 3): Promise<TokenRealm> {
  const server = createServer((request, response) => {
    const access = new URL(request.url ?? '', 'http://realm').searchParams.getAll('scope').flatMap((scope) => scope.split(' ').map(wanted));
    const { key } = realm.signing;
    realm.given += 1;
    const now = Math.floor(Date.now() / 1000) + realm.skewSeconds;
    void signToken(version, key, access, { now, lifeSeconds: realm.lifeSeconds }).then((token) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token, expires_in: 300 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  const realm: TokenRealm = {
    ...{ url: `http://127.0.0.1:${port}/token`, signing: signingKey(), skewSeconds: 0, lifeSeconds: 300, given: 0 },
    auth: () => ({ type: 'token', realm: realm.url, service: SERVICE, issuer: ISSUER, certificate: realm.signing.certificate }),
  };
  return realm;
}

/** `repository:team/app:pull,push` */
function wanted(scope: string): Access {
  const [type = '', name = '', actions = ''] = scope.split(':');
  return { type, name, actions: actions.split(',') };
}

const servers: ReturnType<typeof createServer>[] = [];
afterAll(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
