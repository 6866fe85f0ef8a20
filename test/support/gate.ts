import { once } from 'node:events';
import { createConnection, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { afterAll } from '@jest/globals';
import { grpcTexts } from './grpc-text.ts';

/** What a gate does with bytes that somebody looked at. */
export type Verdict = 'pass' | 'drop';

/** A proxy of plain connections that can be shut, and that sees what goes by. */
export interface Gate {
  /** Looks at what goes by (a message of gRPC each time); `drop` breaks the connection off, and the bytes with it. */
  look: ((text: string, direction: 'in' | 'out') => Verdict) | undefined;
  /** Breaks all connections off and takes none. */
  shut(): void;
  /** As where packets are lost on the way: connections stay, and nothing comes through. */
  hold(): void;
  open(): void;
}

export interface GateOptions {
  /** Where the server is; asked for each connection where it may move. */
  readonly to: NetConnectOpts | (() => NetConnectOpts);
  /** Where to listen: a port of 127.0.0.1 (0: any free one), or a Unix socket's path. */
  readonly at: number | string;
  readonly grpc?: boolean;
}

const closers: (() => void)[] = [];

/** Opens a gate that ends with the test file. `in` is what goes to the server, `out` what comes from it. */
export async function gate({ to, at, grpc = false }: GateOptions): Promise<Gate & { readonly port: number }> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: 'open' | 'shut' | 'held' = 'open';
  const self: Gate = {
    look: undefined,
    shut() {
      state = 'shut';
      for (const [near, far] of pairs) for (const socket of [near, far]) socket.destroy();
    },
    hold() {
      state = 'held';
      for (const [near, far] of pairs) for (const socket of [near, far]) socket.pause();
    },
    open() {
      // What was held is lost: a path that comes back after minutes knows none of its connections.
      if (state === 'held') self.shut();
      state = 'open';
    },
  };
  const server = createServer((near) => {
    if (state === 'shut') return void near.destroy();
    const far = createConnection(typeof to === 'function' ? to() : to);
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    const join = (from: Socket, into: Socket, direction: 'in' | 'out'): void => {
      const texts = grpc ? grpcTexts() : (bytes: Buffer) => [bytes.toString('latin1')];
      from.on('data', (bytes: Buffer) => {
        for (const text of texts(bytes)) if (self.look?.(text, direction) === 'drop') return end();
        if (!into.write(bytes)) from.pause();
      });
      into.on('drain', () => state !== 'held' && from.resume());
      from.on('error', end);
      from.on('close', end);
    };
    join(near, far, 'in');
    join(far, near, 'out');
    if (state === 'held') for (const socket of pair) socket.pause();
  });
  if (typeof at === 'string') server.listen(at);
  else server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    self.shut();
    server.close();
  });
  const address = server.address();
  return Object.assign(self, { port: typeof address === 'object' && address !== null ? address.port : 0 });
}

afterAll(() => {
  for (const close of closers.splice(0)) close();
});
