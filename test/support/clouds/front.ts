import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';

/** A request as a cloud's own code sees it. */
export interface CloudRequest {
  readonly method: string;
  /** Decoded once, as servers do. */
  readonly path: string;
  /** As it came. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  text(): Promise<string>;
  json(): Promise<Record<string, unknown>>;
}

export interface CloudAnswer {
  readonly status?: number;
  /** Written as JSON; absent: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A cloud in front of a real registry: what its own code does not answer, the registry does. */
export interface CloudFront {
  readonly url: string;
  /** Method and raw path with query of all that came, in order. */
  readonly seen: string[];
  count(pattern: RegExp): number;
}

export interface CloudOptions {
  /** Answers in the cloud's name; `undefined`: the registry behind it does. */
  answer(request: CloudRequest): Promise<CloudAnswer | undefined> | CloudAnswer | undefined;
  /** The registry's `/v2/` lies below this path. */
  readonly prefix?: string;
}

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Starts a cloud that ends with the test file. */
export async function cloudFront(upstream: string, options: CloudOptions): Promise<CloudFront> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    void serve(upstream, options, incoming, outgoing).catch((thrown: unknown) => {
      // A defect of the fake must be seen as one.
      outgoing.writeHead(599).end(String(thrown));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, count: (pattern) => seen.filter((one) => pattern.test(one)).length };
}

async function serve(upstream: string, options: CloudOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const raw = incoming.url ?? '/';
  const url = new URL(raw, 'http://cloud');
  const text = async (): Promise<string> => Buffer.concat(await incoming.toArray()).toString();
  const answer = await options.answer({
    method: incoming.method ?? '',
    path: decodeURIComponent(url.pathname),
    rawPath: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    text,
    json: async () => JSON.parse(await text()) as Record<string, unknown>,
  });
  if (!answer) return pass(upstream, options.prefix ?? '', incoming, outgoing);
  incoming.resume();
  outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
  outgoing.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
}

/** The Host header stays the client's, so that the registry's Locations lead back here. */
function pass(upstream: string, prefix: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { hostname, port } = new URL(upstream);
  const path = (incoming.url ?? '/').slice(prefix.length);
  return new Promise((resolve, reject) => {
    const { method, headers } = incoming;
    // The cloud has looked at them, and the registry behind it would not know them.
    const { authorization: _, ...kept } = headers;
    const sent = httpRequest({ hostname, port, path, method, headers: kept }, (answer) => {
      const below = (value: string): string => value.replace(/\/v2\//, `${prefix}/v2/`);
      const { location, link } = answer.headers;
      const moved = {
        ...(location === undefined ? {} : { location: below(location) }),
        ...(link === undefined ? {} : { link: below(String(link)) }),
      };
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...moved });
      answer.pipe(outgoing).on('close', () => resolve());
    });
    sent.on('error', reject);
    incoming.pipe(sent);
  });
}
