import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { TwinportError } from '../../model/failure.ts';

/**
 * Where the free ports are looked for: below those that systems give to outgoing connections (Linux from 32768, others from
 * 49152), so that none of the connections made meanwhile takes it.
 */
const [FIRST, END] = [15_000, 32_000];

/** A port of 127.0.0.1 that nobody listens on now; another process that chooses likewise may take it before it is used. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await canListen(port)) return port;
  }
}

/** @throws the error of a listener that fails for another reason than that the port is taken */
async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Says whether something on 127.0.0.1 accepts connections on `port`. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

/**
 * The port of 127.0.0.1 that a server is to take.
 * @param wanted absent: any free one
 * @throws {TwinportError} CONFLICT (somebody listens there already)
 */
export async function portFor(server: string, wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return freePort();
  if (await accepts(wanted)) {
    throw new TwinportError(
      'CONFLICT',
      `${server} cannot listen on 127.0.0.1:${wanted}: another process does; stop it, or choose another port`,
    );
  }
  return wanted;
}
