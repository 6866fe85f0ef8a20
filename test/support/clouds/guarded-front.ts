import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';

/** One request that came to a cloud. */
export interface CloudRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Reads it: such a request cannot be passed on any more. */
  body(): Promise<string>;
  /** When the token that it came with ends (`Date.now()`), once that is known: its answer is cut off then. */
  endsAt?: number | undefined;
}

export interface CloudAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, unless it is a text. */
  readonly body?: unknown;
}

/** How a cloud behaves, to be changed at any time. */
export interface FrontRules {
  /** Of blob bodies that it serves; absent: as fast as it can. */
  blobBytesPerSecond?: number | undefined;
  /** Blobs smaller than this are served fast. */
  slowFrom: number;
  /** A blob whose token ends while it is being served is broken off. No registry is known to do it; whoever survives it survives all else. */
  cutAtEnd: boolean;
}

/** A cloud's face in front of a real registry: it answers for itself, and passes on what is the registry's. */
export interface GuardedFront {
  readonly url: string;
  /** `host:port` */
  readonly host: string;
  readonly rules: FrontRules;
  readonly seen: { readonly method: string; readonly path: string; status: number }[];
  count(method: string, path: RegExp): number;
}

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Starts one that ends with the test file; `handle` answers, or gives `undefined` for what the registry at `upstream` is to answer. */
export async function guardedFront(
  upstream: string,
  handle: (request: CloudRequest, front: GuardedFront) => Promise<CloudAnswer | undefined> | CloudAnswer | undefined,
): Promise<GuardedFront> {
  const seen: GuardedFront['seen'] = [];
  const rules: FrontRules = { slowFrom: 0, cutAtEnd: false };
  const server = createServer((incoming, outgoing) => {
    const record = { method: incoming.method ?? '', path: incoming.url ?? '/', status: 0 };
    seen.push(record);
    outgoing.on('finish', () => (record.status = outgoing.statusCode));
    const request: CloudRequest = {
      method: record.method,
      url: new URL(record.path, 'http://cloud'),
      headers: incoming.headers,
      body: async () => (await buffer(incoming)).toString(),
    };
    void (async () => {
      const answer = await handle(request, front);
      if (answer) return respond(incoming, outgoing, answer);
      return passOn(upstream, rules, request, incoming, outgoing);
    })().catch(() => {
      incoming.destroy();
      outgoing.destroy();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const front: GuardedFront = {
    url: `http://${host}`,
    host,
    rules,
    seen,
    count: (method, path) => seen.filter((one) => one.method === method && path.test(one.path)).length,
  };
  return front;
}

/** An error as registries write it. */
export function refuse(status: number, code: string, message: string, headers: Record<string, string> = {}): CloudAnswer {
  return { status, headers, body: { errors: [{ code, message }] } };
}

function respond(incoming: IncomingMessage, outgoing: ServerResponse, { status, headers, body }: CloudAnswer): void {
  incoming.resume();
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
  // To a HEAD the server leaves the body out by itself.
  outgoing.writeHead(status, { ...type, ...headers }).end(text);
}

function passOn(
  upstream: string,
  rules: FrontRules,
  request: CloudRequest,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const to = new URL(upstream);
    const { authorization: _, ...headers } = incoming.headers;
    const path = request.url.pathname + request.url.search;
    // The Host header stays the client's, so that the registry's Locations lead back here.
    const forward = httpRequest({ host: to.hostname, port: to.port, method: request.method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pour(rules, request, answer, outgoing).then(resolve, reject);
    });
    forward.on('error', reject);
    incoming.on('aborted', () => forward.destroy());
    incoming.pipe(forward);
  });
}

async function pour(rules: FrontRules, request: CloudRequest, answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const isBlob = request.url.pathname.includes('/blobs/sha256:') && Number(answer.headers['content-length'] ?? 0) >= rules.slowFrom;
  const rate = isBlob ? rules.blobBytesPerSecond : undefined;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    // Small pieces: a cut comes when it should, and not a second later.
    const size = rate === undefined ? chunk.length : Math.max(1, Math.floor(rate / 20));
    for (let at = 0; at < chunk.length; at += size) {
      if (isBlob && rules.cutAtEnd && request.endsAt !== undefined && Date.now() >= request.endsAt) return void outgoing.destroy();
      if (!outgoing.write(chunk.subarray(at, at + size)))
        await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve));
      if (outgoing.destroyed) return;
      if (rate !== undefined) await sleep((Math.min(size, chunk.length - at) / rate) * 1000);
    }
  }
  outgoing.end();
}
