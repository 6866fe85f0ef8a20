import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  connect as connectHttp2,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { createServer as createTlsServer, type Server } from 'node:tls';
import { connectTemporal, type TemporalOptions } from '../../src/processes/temporal/connect.ts';
import { failureOf } from '../registry/support/sessions.ts';
import { makeKeyPair, type KeyPair } from '../registry/support/keys.ts';
import { testTemporal } from '../support/temporal.ts';

/*
 * The dev server speaks no TLS: real TLS ends in front of it, as it does at a balancer.
 */
describe('Temporal behind TLS', () => {
  let ca: KeyPair;
  let worker: KeyPair;
  let server: KeyPair;
  let upstream: string;
  let mutual: Server;
  let keyed: Http2SecureServer;
  /** What is still open at the end. */
  const sockets = new Set<{ destroy(): unknown }>();
  const shown = new Set<string>();

  beforeAll(async () => {
    upstream = (await testTemporal()).address;
    ca = makeKeyPair('p256', { name: 'our authority' });
    server = makeKeyPair('p256', { name: 'temporal', san: 'DNS:temporal.example.com,IP:127.0.0.1', ca });
    worker = makeKeyPair('p256', { name: 'worker', ca });
    mutual = await mutualTls();
    keyed = await apiKeys();
  });
  afterAll(() => {
    mutual.close();
    keyed.close();
    for (const socket of sockets) socket.destroy();
  });

  const at = (listening: { address(): unknown }): string => `127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const tls = (more: object = {}) => ({ serverRootCACertificate: Buffer.from(ca.cert), ...more });
  const pair = (keys: KeyPair) => ({ clientCertPair: { crt: Buffer.from(keys.cert), key: Buffer.from(keys.key) } });

  /** By the client's and by the workers' connection: they are two implementations. */
  async function reach(options: Omit<TemporalOptions, 'namespace'>): Promise<void> {
    const connected = await connectTemporal({ ...options, namespace: 'default' });
    try {
      await connected.client.workflowService.describeNamespace({ namespace: 'default' });
      await (await connected.native()).workflowService.describeNamespace({ namespace: 'default' });
    } finally {
      await connected.close();
    }
  }

  it('is reached with a private authority and a client certificate', async () => {
    await reach({ address: at(mutual), tls: tls(pair(worker)) });
    await reach({ address: at(mutual), tls: tls({ ...pair(worker), serverNameOverride: 'temporal.example.com' }) });
  });

  it('is not reached without the certificate, with another authority, or under another name', async () => {
    const stranger = makeKeyPair('p256', { name: 'stranger' });
    const unreachable = { code: 'UNREACHABLE', message: expect.stringContaining(at(mutual)) };
    const attempts = [
      { tls: tls() },
      { tls: tls(pair(stranger)) },
      { tls: { ...tls(pair(worker)), serverRootCACertificate: Buffer.from(stranger.cert) } },
      { tls: true },
      { tls: tls({ ...pair(worker), serverNameOverride: 'another.example.com' }) },
    ];
    const failures = await Promise.all(attempts.map((attempt) => failureOf(reach({ address: at(mutual), ...attempt }))));
    for (const failure of failures) expect(failure).toMatchObject(unreachable);
  });

  it('is shown the API key, on both connections, and refuses without', async () => {
    await reach({ address: at(keyed), tls: tls(), apiKey: 'the-api-key' });
    expect([...shown]).toEqual(['Bearer the-api-key']);
    await expect(reach({ address: at(keyed), tls: tls(), apiKey: 'another' })).rejects.toThrow();
    await expect(reach({ address: at(keyed), tls: tls() })).rejects.toThrow();
  });

  async function mutualTls(): Promise<Server> {
    const options = { key: server.key, cert: server.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] };
    const [host = '', port = ''] = upstream.split(':');
    const listening = createTlsServer(options, (incoming) => {
      const outgoing = connectTcp(Number(port), host);
      for (const socket of [incoming, outgoing]) {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
      }
      incoming.pipe(outgoing).pipe(incoming);
    });
    listening.on('tlsClientError', () => undefined);
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    return listening;
  }

  /** Passes calls on whose metadata has the key, as Temporal Cloud does. */
  async function apiKeys(): Promise<Http2SecureServer> {
    const session = connectHttp2(`http://${upstream}`);
    sockets.add(session);
    const listening = createSecureServer({ key: server.key, cert: server.cert });
    listening.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => undefined);
      if (headers.authorization !== 'Bearer the-api-key') {
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': 'no' },
          { endStream: true },
        );
        return;
      }
      shown.add(headers.authorization);
      const call = session.request(headers);
      call.on('error', () => stream.destroy());
      call.on('response', (answer) => {
        stream.respond(answer, { waitForTrailers: true });
      });
      let trailers: IncomingHttpHeaders = {};
      call.on('trailers', (last: IncomingHttpHeaders) => {
        trailers = last;
      });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.pipe(call).pipe(stream);
    });
    listening.on('session', (one) => sockets.add(one));
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    return listening;
  }
});
