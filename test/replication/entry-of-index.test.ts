import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { kindOfEntry } from '../../src/replication/entry-of-index.ts';
import { route, sitePair } from './pair.ts';

const MIB = 1024 * 1024;
const ANNOUNCED = 256 * MIB;
let server: Server;
let url: string;
let sent = 0;

/* A server that answers 500 to manifests, as Distribution 2 of a blob, calls a blob small, and sends one that is not. */
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url?.includes('/manifests/')) return response.writeHead(500).end();
    if (!request.url?.includes('/blobs/')) return response.end('{}');
    if (request.method === 'HEAD') return response.writeHead(200, { 'content-length': 100 }).end();
    response.writeHead(200, { 'content-length': ANNOUNCED });
    const more = (): void => {
      while (sent < ANNOUNCED && !response.destroyed) {
        sent += MIB;
        if (!response.write(Buffer.alloc(MIB, ' '))) return void response.once('drain', more);
      }
      response.end();
    };
    return more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('reads no more of an entry than a manifest can have, whatever size is announced first', async () => {
  const digest: Digest = `sha256:${'a'.repeat(64)}`;
  const entry = { mediaType: 'application/vnd.example', digest, size: 100 };
  expect(await kindOfEntry(route(sitePair(url, url), 'app'), entry)).toMatchObject({ is: 'blob' });
  expect(sent).toBeLessThan(ANNOUNCED / 2);
});
