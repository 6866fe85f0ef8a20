import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { TwinportError } from '../../model/failure.ts';

/**
 * Where the free ports are looked for: below those that systems give to outgoing connections (Linux from 32768, others from
 * 49152), so that none of the connections made meanwhile takes it.
 */
const [FIRST, END] = [15_000, 32_000];

/**
 * A port of 127.0.0.1 that nobody listens on now, and that is given to nobody else, here or in another process that chooses likewise, for
 * as long as this process lives. Else two servers that start at once could be given the same one: the second would end for that,
 * but not before the first had answered in its name.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const giveBack = await keepPort(port);
    if (!giveBack) continue;
    if (await canListen(port)) return port;
    giveBack();
  }
}

/**
 * Takes a port for this process, by a UDP socket of the same number: our servers speak TCP, so it is in nobody's way, and the system
 * gives it back however the process ends.
 * @returns what gives it back; `undefined` where it is taken already
 * @throws the error of a socket that fails for another reason
 */
export async function keepPort(port: number): Promise<(() => void) | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  socket.unref();
  return () => socket.close();
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
