import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A span as a collector gets it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly service: unknown;
}

export interface Collector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** All that came, as it came. */
  bytes(): Buffer;
  close(): void;
}

/** A collector that takes OTLP (protobuf over HTTP) and reads it. */
export async function collector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const sent = Buffer.concat(parts);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      const taken = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
      if (taken) spans.push(...spansIn(body));
      bodies.push(body);
      response.writeHead(taken ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bytes: () => Buffer.concat(bodies),
    close: () => void server.close(),
  };
}

type Field = bigint | Buffer;

/** @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.7.0/opentelemetry/proto/trace/v1/trace.proto */
function spansIn(request: Buffer): CollectedSpan[] {
  return all(message(request), 1).flatMap((ofResource) => {
    const [resource] = all(ofResource, 1);
    const service = resource && attributesOf(all(resource, 1))['service.name'];
    return all(ofResource, 2)
      .flatMap((ofScope) => all(ofScope, 2))
      .map((span) => ({
        traceId: bytesOf(span, 1).toString('hex'),
        spanId: bytesOf(span, 2).toString('hex'),
        parentSpanId: bytesOf(span, 4).toString('hex'),
        name: bytesOf(span, 5).toString(),
        attributes: attributesOf(all(span, 9)),
        service,
      }));
  });
}

type Message = ReadonlyMap<number, readonly Field[]>;

function attributesOf(pairs: readonly Message[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value] = all(pair, 2);
      const text = value?.get(1)?.[0];
      return [bytesOf(pair, 1).toString(), Buffer.isBuffer(text) ? text.toString() : Number(value?.get(3)?.[0])];
    }),
  );
}

function all(of: Message, field: number): Message[] {
  return (of.get(field) ?? []).filter((value) => Buffer.isBuffer(value)).map(message);
}

function bytesOf(of: Message, field: number): Buffer {
  const value = of.get(field)?.[0];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

/** @see https://protobuf.dev/programming-guides/encoding/ */
function message(bytes: Buffer): Message {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('a message that is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    const value = kind === 0 ? varint() : kind === 2 ? take(Number(varint())) : kind === 1 ? take(8) : take(4);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}
