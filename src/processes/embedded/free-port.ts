import { connect, createServer, type AddressInfo } from 'node:net';
import { TwinportError } from '../../model/failure.ts';

/** A port of 127.0.0.1 that nobody listens on now; another process may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
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
