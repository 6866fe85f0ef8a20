import { beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { Digest } from '../../../src/model/digest.ts';
import { mintPullToken } from '../../../src/registry/auth/mint-pull-token.ts';
import { libtrustKeyId } from '../../../src/registry/auth/key-id.ts';
import { readBlob } from '../../../src/registry/blobs.ts';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { TokenKeyAuth } from '../../../src/registry/endpoint.ts';
import { deleteManifest, getManifest, headManifest } from '../../../src/registry/manifests.ts';
import { ping } from '../../../src/registry/ping.ts';
import { deleteTag, listTags } from '../../../src/registry/tags.ts';
import { mountBlob, startUpload } from '../../../src/registry/uploads.ts';
import { pushImage, type PushedImage } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { quirkProxy, type QuirkProxy } from '../../support/quirk-proxy.ts';
import { testRegistry } from '../../support/registries.ts';
import { makeKeyPair, type KeyPair, type KeyType } from '../support/keys.ts';
import { collect, failureOf, testSession } from '../support/sessions.ts';

const ISSUER = 'omnibus-gitlab-issuer';
const SERVICE = 'container_registry';

/** A token that may do everything, made without the code under test. */
async function fullToken(pair: KeyPair, repositories: string[]): Promise<string> {
  const der = pair.cert.replace(/-----[^-]+-----|\s/g, '');
  const access = repositories.map((name) => ({ type: 'repository', name, actions: ['pull', 'push', 'delete'] }));
  return new SignJWT({ access })
    .setProtectedHeader({ alg: 'RS256', x5c: [der] })
    .setIssuer(ISSUER)
    .setAudience(SERVICE)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(createPrivateKey(pair.key));
}

describe.each([2, 3] as const)('token-key on Distribution %i', (version) => {
  const pairs = {} as Record<KeyType, KeyPair>;
  let proxy: QuirkProxy;
  let image: PushedImage;

  const open = (changes: Partial<TokenKeyAuth> = {}) =>
    testSession(proxy.url, {
      side: 'primary',
      name: 'us',
      auth: { type: 'token-key', key: pairs.rsa.key, issuer: ISSUER, service: SERVICE, ...changes },
    });

  beforeAll(async () => {
    for (const type of ['rsa', 'p256', 'p384'] as const) pairs[type] = makeKeyPair(type, { name: `issuer-${type}` });
    const certificate = Object.values(pairs)
      .map((pair) => pair.cert)
      .join('\n');
    const auth = { type: 'token', realm: 'http://127.0.0.1:1/jwt/auth', service: SERVICE, issuer: ISSUER, certificate } as const;
    const registry = await testRegistry({ version, auth });
    const authorization = `Bearer ${await fullToken(pairs.rsa, ['team/app', 'team/other'])}`;
    image = await pushImage(registry.url, 'team/app', 'v1', { authorization });
    await pushImage(registry.url, 'team/other', 'v1', { authorization });
    proxy = await quirkProxy(registry.url);
  });

  it('reads everything that a replication reads', async () => {
    const session = open();
    await ping(session);
    expect(await headManifest(session, 'team/app', 'v1')).toMatchObject({ digest: image.digest });
    expect(await getManifest(session, 'team/app', 'v1')).toMatchObject({ digest: image.digest });
    expect(await listTags(session, 'team/other')).toEqual(['v1']);
    expect((await listRepositories(session, { limit: 10 })).repositories).toEqual(['team/app', 'team/other']);
    const { stream } = await readBlob(session, 'team/app', image.layers[0]?.digest as Digest);
    expect(await collect(stream)).toHaveLength(1000);
    expect((await fetch(`${proxy.url}/v2/team/app/manifests/v1`)).status).toBe(401);
    cell(`distribution-${version}`, 'auth');
  });

  it('finds out by one 401 how the registry names keys, and remembers it', async () => {
    const session = open();
    proxy.reset();
    for (let round = 0; round < 3; round++) await headManifest(session, 'team/app', 'v1');
    await headManifest(session, 'team/other', 'v1');
    expect(proxy.seen.filter((one) => one.status === 401)).toHaveLength(version === 2 ? 0 : 1);
  });

  it('finds it out also when many ask at once', async () => {
    const session = open();
    const found = await Promise.all(Array.from({ length: 20 }, () => headManifest(session, 'team/app', 'v1')));
    expect(found.every((one) => one?.digest === image.digest)).toBe(true);
  });

  it('makes one token a repository, and uses it again', async () => {
    const session = open({ certificate: pairs.rsa.cert });
    proxy.reset();
    for (let round = 0; round < 3; round++) await headManifest(session, 'team/app', 'v1');
    await headManifest(session, 'team/other', 'v1');
    const tokens = new Set(proxy.seen.map((one) => one.headers.authorization));
    expect(tokens.size).toBe(2);
    expect(proxy.seen.every((one) => one.status === 200)).toBe(true);
  });

  it('makes another before the old one ends', async () => {
    const session = open({ certificate: pairs.rsa.cert, ttlSeconds: 1 });
    proxy.reset();
    await headManifest(session, 'team/app', 'v1');
    await new Promise((go) => setTimeout(go, 800));
    await headManifest(session, 'team/app', 'v1');
    expect(new Set(proxy.seen.map((one) => one.headers.authorization)).size).toBe(2);
  });

  it.each(['rsa', 'p256', 'p384'] as const)('works with a key of type %s, by id and by certificate', async (type) => {
    const { key, cert } = pairs[type];
    expect(await headManifest(open({ key }), 'team/app', 'v1')).toMatchObject({ digest: image.digest });
    expect(await headManifest(open({ key, certificate: cert }), 'team/app', 'v1')).toMatchObject({ digest: image.digest });
  });

  it('sends a configured key id as it is', async () => {
    const kid = libtrustKeyId(createPublicKey(createPrivateKey(pairs.rsa.key)));
    const session = open({ kid });
    if (version === 2) expect(await headManifest(session, 'team/app', 'v1')).toMatchObject({ digest: image.digest });
    else
      expect(await failureOf(headManifest(session, 'team/app', 'v1'))).toMatchObject({
        code: 'UNAUTHORIZED',
        status: 401,
        side: 'primary',
      });
  });

  it('is refused for another key, issuer or service: UNAUTHORIZED, after at most one more try', async () => {
    const stranger = makeKeyPair('p256');
    for (const changes of [{ key: stranger.key }, { issuer: 'somebody' }, { service: 'else' }]) {
      proxy.reset();
      expect(await failureOf(headManifest(open(changes), 'team/app', 'v1'))).toMatchObject({ code: 'UNAUTHORIZED', retry: 'later' });
      expect(proxy.count()).toBe(2);
    }
  });

  it('never asks for more than to pull: writes are refused before they are sent', async () => {
    const session = open({ certificate: pairs.rsa.cert });
    proxy.reset();
    const digest = image.digest as Digest;
    for (const write of [
      startUpload(session, 'team/app'),
      mountBlob(session, 'team/app', digest, 'team/other'),
      deleteManifest(session, 'team/app', digest),
      deleteTag(session, 'team/app', 'v1'),
    ]) {
      expect(await failureOf(write)).toMatchObject({ code: 'DENIED', retry: 'never', message: expect.stringContaining('pulling only') });
    }
    expect(proxy.count()).toBe(0);
  });

  it("makes tokens that the registry itself takes for nothing else: no push, no other repository's content", async () => {
    const token = await mintPullToken({
      key: pairs.rsa.key,
      certificate: pairs.rsa.cert,
      issuer: ISSUER,
      service: SERVICE,
      repositories: ['team/app'],
      kid: 'libtrust',
      ttlSeconds: 300,
    });
    const session = testSession(proxy.url, { auth: { type: 'bearer', token } });
    expect(await headManifest(session, 'team/app', 'v1')).toMatchObject({ digest: image.digest });
    expect(await failureOf(headManifest(session, 'team/other', 'v1'))).toMatchObject({ code: 'DENIED', status: 401 });
    expect(await failureOf(startUpload(session, 'team/app'))).toMatchObject({ code: 'DENIED', status: 401 });
    expect(await failureOf(listRepositories(session, { limit: 10 }))).toMatchObject({ code: 'DENIED' });
  });
});

describe('mintPullToken', () => {
  const pair = makeKeyPair('p256');
  const options = { key: pair.key, issuer: ISSUER, service: SERVICE, repositories: ['a/b'], kid: 'libtrust', ttlSeconds: 300 };

  it('writes what every version of Distribution accepts: one audience, whole seconds, pull only', async () => {
    const claims = decodeJwt(await mintPullToken(options));
    expect(claims).toMatchObject({ iss: ISSUER, aud: SERVICE, access: [{ type: 'repository', name: 'a/b', actions: ['pull'] }] });
    expect([claims.iat, claims.nbf, claims.exp].every(Number.isInteger)).toBe(true);
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(300);
    expect((claims.iat ?? 0) - (claims.nbf ?? 0)).toBe(5);
  });

  it('names the key as asked', async () => {
    expect(decodeProtectedHeader(await mintPullToken(options)).kid).toMatch(/^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
    expect(decodeProtectedHeader(await mintPullToken({ ...options, kid: 'rfc7638' })).kid).toMatch(/^[\w-]{43}$/);
    expect(decodeProtectedHeader(await mintPullToken({ ...options, kid: 'k1' }))).toMatchObject({ alg: 'ES256', kid: 'k1' });
    const withChain = decodeProtectedHeader(await mintPullToken({ ...options, certificate: pair.cert }));
    expect(withChain.x5c).toHaveLength(1);
    expect(withChain.kid).toBeUndefined();
  });

  it('says what is wrong with a key or a certificate: CONFIG, without showing it', async () => {
    const other = makeKeyPair('p256');
    for (const wrong of [{ key: 'nonsense-secret' }, { certificate: other.cert }, { certificate: 'nonsense' }]) {
      const failure = await failureOf(mintPullToken({ ...options, ...wrong }));
      expect(failure).toMatchObject({ code: 'CONFIG', retry: 'never' });
      expect(failure.message).not.toContain('nonsense-secret');
    }
  });
});
