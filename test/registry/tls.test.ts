import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ping } from '../../src/registry/ping.ts';
import { readBlob } from '../../src/registry/blobs.ts';
import type { Endpoint } from '../../src/registry/endpoint.ts';
import type { Digest } from '../../src/model/digest.ts';
import { startUpload } from '../../src/registry/uploads.ts';
import { headManifest } from '../../src/registry/manifests.ts';
import { pushBlob, randomBytes } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { makeKeyPair, type KeyPair } from './support/keys.ts';
import { collect, failureOf, testSession } from './support/sessions.ts';

describe('TLS', () => {
  let ca: KeyPair;
  let client: KeyPair;
  let proxy: QuirkProxy;
  let plain: string;

  beforeAll(async () => {
    plain = (await testRegistry({ version: 3 })).url;
    ca = makeKeyPair('p256', { name: 'our authority' });
    const server = makeKeyPair('p256', { name: 'registry', san: 'IP:127.0.0.1', ca });
    client = makeKeyPair('p256', { name: 'worker', ca });
    proxy = await quirkProxy(plain, {
      tls: { key: server.key, cert: server.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
    });
  });
  const open = (tls?: Endpoint['tls'], url = proxy.url) => testSession(url, tls ? { tls } : {});

  it('trusts a configured authority and shows a client certificate', async () => {
    await ping(open({ ca: ca.cert, cert: client.cert, key: client.key }));
  });

  it('reads the authorities once, and not again for each connection', async () => {
    const connections = new Set<unknown>();
    const read = jest.spyOn(tls, 'createSecureContext');
    try {
      proxy.reset();
      proxy.rules.push({ delayMs: 100, onRequest: ({ socket }) => connections.add(socket) });
      const session = open({ ca: ca.cert, cert: client.cert, key: client.key });
      await Promise.all(Array.from({ length: 8 }, () => ping(session)));
      expect(connections.size).toBeGreaterThan(1);
      expect(read.mock.calls.filter(([settings]) => settings?.ca !== undefined)).toHaveLength(1);
    } finally {
      read.mockRestore();
      proxy.reset();
    }
  });

  it('asks for nothing of TLS where the registry is asked without it', async () => {
    await ping(open({ cert: client.cert, key: ca.key }, plain));
  });

  it('says TLS where the certificate and its key do not belong together', async () => {
    expect(await failureOf(ping(open({ ca: ca.cert, cert: client.cert, key: ca.key })))).toMatchObject({ code: 'TLS' });
  });

  it('says TLS where the authority is not known', async () => {
    expect(await failureOf(ping(open()))).toMatchObject({
      code: 'TLS',
      retry: 'later',
      message: expect.stringContaining(proxy.url.slice('https://'.length)),
    });
    const other = makeKeyPair('p256', { name: 'another authority' });
    expect(await failureOf(ping(open({ ca: other.cert, cert: client.cert, key: client.key })))).toMatchObject({ code: 'TLS' });
  });

  it('hints at the client certificate where it is missing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'twinport-tls-'));
    try {
      const server = makeKeyPair('p256', { name: 'registry', san: 'IP:127.0.0.1', ca });
      const files = { certificate: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
      await writeFile(files.certificate, server.cert);
      await writeFile(files.key, server.key);
      await writeFile(join(dir, 'ca.pem'), ca.cert);
      const registry = await testRegistry({ version: 3, extra: { http: { tls: { ...files, clientcas: [join(dir, 'ca.pem')] } } } });
      const url = registry.url.replace('http:', 'https:');
      await ping(open({ ca: ca.cert, cert: client.cert, key: client.key }, url));
      // The alert is lost: the connection just ends, as it does for other reasons too.
      expect(await failureOf(ping(open({ ca: ca.cert }, url)))).toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringContaining('client certificate'),
      });
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('says TLS where the certificate is of another name', async () => {
    const elsewhere = makeKeyPair('p256', { name: 'x', san: 'DNS:registry.example.com', ca });
    const wrong = await quirkProxy(plain, { tls: { key: elsewhere.key, cert: elsewhere.cert } });
    expect(await failureOf(ping(open({ ca: ca.cert }, wrong.url)))).toMatchObject({
      code: 'TLS',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
  });

  it('says TLS where the other end speaks none', async () => {
    expect(await failureOf(ping(open(undefined, plain.replace('http:', 'https:'))))).toMatchObject({ code: 'TLS' });
  });

  it('never goes from https to http: neither for a redirect nor for an upload', async () => {
    const tls = { ca: ca.cert, cert: client.cert, key: client.key };
    proxy.rules.push({ method: 'GET', path: /blobs/, redirectTo: plain });
    const digest: Digest = `sha256:${'a'.repeat(64)}`;
    expect(await failureOf(readBlob(open(tls), 'a/b', digest))).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('https to http'),
    });
    // The registry behind knows nothing of the TLS in front of it: its Locations begin with http.
    const failure = await failureOf(startUpload(open(tls), 'a/b'));
    expect(failure).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('X-Forwarded-Proto') });
    expect(failure.message).not.toContain('_state');
  });

  it.each([
    ['127.0.0.1', 'worker'],
    ['localhost', undefined],
  ])('shows the client certificate to a token service beside the registry: at %s, %s is seen', async (host, seen) => {
    let shown: unknown = 'nobody asked';
    const service = makeKeyPair('p256', { name: 'tokens', san: 'IP:127.0.0.1,DNS:localhost', ca });
    const tokens = await quirkProxy(plain, {
      tls: { key: service.key, cert: service.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
      rules: [
        {
          onRequest: (request) => {
            shown = (request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: unknown } } }).getPeerCertificate().subject
              ?.CN;
          },
          answer: { status: 200, body: '{"token":"t1"}' },
        },
      ],
    });
    proxy.reset();
    const challenge = `Bearer realm="https://${host}:${tokens.port}/token"`;
    proxy.rules.push({ times: 1, answer: { status: 401, headers: { 'www-authenticate': challenge } } });
    await ping(open({ ca: ca.cert, cert: client.cert, key: client.key }));
    expect(proxy.seen[1]?.headers.authorization).toBe('Bearer t1');
    expect(shown).toBe(seen);
  });

  it('shows the client certificate to nobody but the registry', async () => {
    let shown: unknown;
    const storage = makeKeyPair('p256', { name: 'storage', san: 'IP:127.0.0.1', ca });
    const { digest } = await pushBlob(plain, 'a/b', randomBytes('tls', 100), 'x');
    const other = await quirkProxy(plain, {
      tls: { key: storage.key, cert: storage.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
      rules: [
        {
          onRequest: (request) => {
            const socket = request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: unknown } } };
            shown = socket.getPeerCertificate().subject?.CN;
          },
        },
      ],
    });
    proxy.reset();
    proxy.rules.push({ path: /blobs/, redirectTo: other.url });
    const session = open({ ca: ca.cert, cert: client.cert, key: client.key });
    expect(await collect((await readBlob(session, 'a/b', digest as Digest)).stream)).toHaveLength(100);
    expect(other.count()).toBe(1);
    expect(shown).toBeUndefined();
    expect(await headManifest(session, 'a/b', 'none')).toBeUndefined();
  });
});
