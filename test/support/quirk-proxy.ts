import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { afterAll } from '@jest/globals';

/** What goes wrong, and for which requests. All that a rule names happens; the first rule that matches a request is the one that holds. */
export interface QuirkRule {
  readonly method?: string;
  /** Tested against the path with its query. */
  readonly path?: RegExp;
  readonly when?: (request: IncomingMessage) => boolean;
  /** Only the first so many requests; all if absent. */
  times?: number;

  /** Break the connections off after so many bytes of the request's body went on to the registry. */
  readonly cutRequestAfter?: number;
  /** Break the connection off after so many bytes of the answer's body. */
  readonly cutResponseAfter?: number;
  /** After so many bytes of the answer's body, send nothing more, and hang. */
  readonly stallResponseAfter?: number;
  /** Take so many bytes of the request's body, then read no more, and hang. */
  readonly stallRequestAfter?: number;
  /** Both ways. */
  readonly bytesPerSecond?: number;
  readonly delayMs?: number;
  /** Answer in the registry's place, without asking it. */
  readonly answer?: { readonly status: number; readonly headers?: Record<string, string | string[]>; readonly body?: string | Uint8Array };
  /** Answer 307 (or `redirectStatus`) to the same path at this origin, or to this URL if it has a path. */
  readonly redirectTo?: string;
  readonly redirectStatus?: number;
  readonly dropHeaders?: readonly string[];
  readonly setHeaders?: Readonly<Record<string, string>> | ((answered: IncomingMessage['headers']) => Record<string, string>);
  readonly status?: number;
  /** Serve another body; the length is put right. */
  readonly body?: (bytes: Buffer) => Uint8Array | string;
  /** Refuse `n` above this with 400 PAGINATION_NUMBER_INVALID. */
  readonly maxPage?: number;
  /** Do not pass on this parameter of the query. */
  readonly dropQuery?: readonly string[];
  /** Called first; the request goes on when what it promises is done. */
  readonly onRequest?: (request: IncomingMessage) => unknown;
}

/** Asks for a part, from one byte to another, and not for all that is left. */
export function isRange({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers.range?.match(/^bytes=\d+-\d+$/) != null;
}

/** One request that came by. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Absent while there is no answer. */
  status?: number;
  /** Bytes of bodies. */
  sent: number;
  received: number;
}

/** A real proxy in front of a real registry, with faults on demand. */
export interface QuirkProxy {
  readonly url: string;
  readonly port: number;
  /** To be changed at any time. */
  readonly rules: QuirkRule[];
  readonly seen: SeenRequest[];
  count(method?: string, path?: RegExp): number;
  /** Bytes of request (`sent`) and answer bodies (`received`), as the client sees them. */
  bytes(direction: 'sent' | 'received', method?: string, path?: RegExp): number;
  /** Forgets rules and requests. */
  reset(): void;
  /** Breaks all connections off. */
  cutAll(): void;
  stop(): Promise<void>;
}

export interface QuirkProxyOptions {
  /** Serve https with these. */
  readonly tls?: SecureContextOptions & TlsOptions;
  readonly rules?: QuirkRule[];
}

const running: QuirkProxy[] = [];

/** Starts a proxy in front of `upstream` (`http://host:port`) that ends with the test file. */
export async function quirkProxy(upstream: string, options: QuirkProxyOptions = {}): Promise<QuirkProxy> {
  const rules: QuirkRule[] = [...(options.rules ?? [])];
  const seen: SeenRequest[] = [];
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const record: SeenRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      sent: 0,
      received: 0,
    };
    seen.push(record);
    void pass(upstream, takeRule(rules, incoming), incoming, outgoing, record).catch(() => {
      incoming.destroy();
      outgoing.destroy();
    });
  };
  const server: Server = options.tls ? createTlsServer(options.tls, handle) : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const matching = (method?: string, path?: RegExp): SeenRequest[] =>
    seen.filter((one) => (method === undefined || one.method === method) && (path === undefined || path.test(one.path)));
  const proxy: QuirkProxy = {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    rules,
    seen,
    count: (method, path) => matching(method, path).length,
    bytes: (direction, method, path) => matching(method, path).reduce((sum, one) => sum + one[direction], 0),
    reset: () => {
      rules.length = 0;
      seen.length = 0;
    },
    cutAll: () => server.closeAllConnections(),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  running.push(proxy);
  return proxy;
}

afterAll(async () => {
  await Promise.all(running.splice(0).map((proxy) => proxy.stop()));
});

function takeRule(rules: QuirkRule[], request: IncomingMessage): QuirkRule {
  for (const rule of rules) {
    if (rule.method !== undefined && rule.method !== request.method) continue;
    if (rule.path && !rule.path.test(request.url ?? '')) continue;
    if (rule.when && !rule.when(request)) continue;
    if (rule.times === undefined) return rule;
    if (rule.times <= 0) continue;
    rule.times -= 1;
    return rule;
  }
  return {};
}

async function pass(
  upstream: string,
  rule: QuirkRule,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  record: SeenRequest,
): Promise<void> {
  await rule.onRequest?.(incoming);
  if (rule.delayMs !== undefined) await sleep(rule.delayMs);
  const own = ownAnswer(rule, incoming);
  if (own) {
    await drain(incoming, record);
    return respond(outgoing, own.status, own.headers ?? {}, Buffer.from(own.body ?? ''), record, incoming.method === 'HEAD');
  }
  const answer = await ask(upstream, rule, incoming, record);
  if (!answer) {
    incoming.socket.destroy();
    return;
  }
  await giveBack(rule, incoming, outgoing, answer, record);
}

function ownAnswer(rule: QuirkRule, incoming: IncomingMessage): QuirkRule['answer'] | undefined {
  if (rule.answer) return rule.answer;
  const url = new URL(incoming.url ?? '/', 'http://proxy');
  if (rule.redirectTo !== undefined) {
    const target = new URL(rule.redirectTo);
    const location = target.pathname === '/' ? new URL(`${url.pathname}${url.search}`, target).href : rule.redirectTo;
    return { status: rule.redirectStatus ?? 307, headers: { location }, body: 'elsewhere' };
  }
  if (rule.maxPage !== undefined && Number(url.searchParams.get('n') ?? 0) > rule.maxPage) {
    const errors = [{ code: 'PAGINATION_NUMBER_INVALID', message: 'invalid number of results requested' }];
    return { status: 400, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ errors }) };
  }
  return undefined;
}

/** Sends the request on; `undefined` if the rule broke it off. */
function ask(upstream: string, rule: QuirkRule, incoming: IncomingMessage, record: SeenRequest): Promise<IncomingMessage | undefined> {
  return new Promise((resolve, reject) => {
    const path = withoutQuery(incoming.url ?? '/', rule.dropQuery ?? []);
    const headers = { ...incoming.headers };
    const to = new URL(upstream);
    // The Host header stays the client's, so that the registry's Locations lead back here.
    const outgoing = httpRequest({ host: to.hostname, port: to.port, method: incoming.method, path, headers, agent: false }, resolve);
    outgoing.on('error', (error) => (broken ? resolve(undefined) : reject(error)));
    let broken = false;
    incoming.on('error', () => outgoing.destroy());
    incoming.on('aborted', () => outgoing.destroy());
    void (async () => {
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        const left = (rule.cutRequestAfter ?? rule.stallRequestAfter ?? Number.POSITIVE_INFINITY) - record.sent;
        const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
        record.sent += part.length;
        if (rule.bytesPerSecond !== undefined) await sleep((part.length / rule.bytesPerSecond) * 1000);
        if (part.length > 0 && !outgoing.write(part)) await writable(outgoing);
        if (chunk.length < left) continue;
        if (rule.stallRequestAfter !== undefined) {
          await new Promise(() => undefined);
        } else {
          // Let the bytes arrive before the cut.
          await sleep(50);
          broken = true;
          outgoing.destroy();
          resolve(undefined);
          return;
        }
      }
      outgoing.end();
    })().catch(() => outgoing.destroy());
  });
}

async function giveBack(
  rule: QuirkRule,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: IncomingMessage,
  record: SeenRequest,
): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) headers[name] = value;
  for (const name of ['connection', 'keep-alive', ...(rule.dropHeaders ?? [])]) delete headers[name.toLowerCase()];
  Object.assign(headers, typeof rule.setHeaders === 'function' ? rule.setHeaders(answer.headers) : rule.setHeaders);
  const status = rule.status ?? answer.statusCode ?? 502;
  if (rule.body) {
    const body = Buffer.from(rule.body(await collect(answer)) as Uint8Array);
    delete headers['transfer-encoding'];
    return respond(outgoing, status, headers, body, record, incoming.method === 'HEAD');
  }
  record.status = status;
  outgoing.writeHead(status, headers);
  outgoing.flushHeaders();
  const limit = rule.cutResponseAfter ?? rule.stallResponseAfter ?? Number.POSITIVE_INFINITY;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, Math.min(chunk.length, limit - record.received));
    record.received += part.length;
    if (rule.bytesPerSecond !== undefined) await sleep((part.length / rule.bytesPerSecond) * 1000);
    if (part.length > 0 && !outgoing.write(part)) await writable(outgoing);
    if (outgoing.destroyed) return void answer.destroy();
    if (record.received < limit) continue;
    if (rule.stallResponseAfter !== undefined) return;
    await sleep(50);
    answer.destroy();
    incoming.socket.destroy();
    return;
  }
  outgoing.end();
}

function respond(
  outgoing: ServerResponse,
  status: number,
  headers: Record<string, string | string[]>,
  body: Buffer,
  record: SeenRequest,
  head: boolean,
): void {
  record.status = status;
  outgoing.writeHead(status, { ...headers, 'content-length': String(body.length) });
  if (head) return void outgoing.end();
  record.received += body.length;
  outgoing.end(body);
}

function writable(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go).off('close', go);
      resolve();
    };
    stream.on('drain', go).on('close', go);
  });
}

async function drain(incoming: IncomingMessage, record: SeenRequest): Promise<void> {
  for await (const chunk of incoming as AsyncIterable<Buffer>) record.sent += chunk.length;
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withoutQuery(url: string, names: readonly string[]): string {
  if (names.length === 0) return url;
  const parsed = new URL(url, 'http://proxy');
  for (const name of names) parsed.searchParams.delete(name);
  return parsed.pathname + parsed.search;
}
