import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server, type Socket } from 'node:net';
import { headManifest } from '../../../src/registry/manifests.ts';
import { testSession } from '../support/sessions.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const HEAD = [
  'HTTP/1.1 200 OK',
  'Content-Type: application/vnd.oci.image.manifest.v1+json',
  `Docker-Content-Digest: ${digest}`,
  'Content-Length: 22',
  '',
  '',
].join('\r\n');

/** A server of raw answers that counts its connections. */
function rawServer(answer: (socket: Socket, request: number) => void): { server: Server; connections: () => number } {
  let connections = 0;
  let requests = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const _ of data.toString().matchAll(/^HEAD /gm)) answer(socket, ++requests);
    });
  });
  return { server, connections: () => connections };
}

describe('a HEAD', () => {
  const good = rawServer((socket) => socket.write(HEAD));
  // As no server should, and some do.
  const bad = rawServer((socket) => socket.write(`${HEAD}{"schemaVersion": 2} :)`));
  const urlOf = ({ server }: typeof good): string => `http://127.0.0.1:${(server.address() as { port: number }).port}`;

  beforeAll(() => Promise.all([good, bad].map(({ server }) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)))));
  afterAll(() => [good, bad].forEach(({ server }) => server.close()));

  it('leaves its connection to the next one: a scan has one a tag', async () => {
    const session = testSession(urlOf(good));
    for (let n = 0; n < 20; n++) expect(await headManifest(session, 'a/b', `v${n}`)).toMatchObject({ digest });
    // The pool may open a second one while the first is being given back.
    expect(good.connections()).toBeLessThan(10);
  });

  it('with a body all the same costs a connection, and never becomes another one’s answer', async () => {
    const session = testSession(urlOf(bad));
    for (let n = 0; n < 20; n++) {
      const found = await headManifest(session, 'a/b', `v${n}`).catch((error: unknown) => error);
      expect(found).toMatchObject({ digest });
    }
    expect(bad.connections()).toBeGreaterThan(1);
  });
});
