import { TwinportError } from '../../model/failure.ts';

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * Reads `host:port`, `[v6]:port` or `:port` (every address).
 * @throws {TwinportError} CONFIG
 */
export function parseListen(text: string): ListenAddress {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/i.exec(text);
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535)
    throw new TwinportError('CONFIG', `"${text}" is no address to listen on; write host:port, such as 127.0.0.1:8080`);
  return { host: parts[1] ?? (parts[2] === '' || parts[2] === undefined ? '0.0.0.0' : parts[2]), port };
}

/** The URL under which this machine reaches a server that listens there. */
export function urlOf({ host, port }: ListenAddress): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
