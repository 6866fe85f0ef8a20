import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { TwinportError } from '../../model/failure.ts';

export interface TemporalOptions {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
  readonly tls?: boolean | { serverRootCACertificate?: Buffer; clientCertPair?: { crt: Buffer; key: Buffer }; serverNameOverride?: string };
  readonly apiKey?: string;
}

export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  /** The workers' connection, made when first asked for. */
  native(): Promise<NativeConnection>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connects to a Temporal server.
 * @throws {TwinportError} UNREACHABLE, with the address
 */
export async function connectTemporal(options: TemporalOptions): Promise<Temporal> {
  const shared = {
    address: options.address,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
  };
  try {
    const connection = await Connection.connect({ ...shared, connectTimeout: CONNECT_TIMEOUT_MS });
    let native: Promise<NativeConnection> | undefined;
    return {
      client: new Client({ connection, namespace: options.namespace }),
      connection,
      namespace: options.namespace,
      native: () => (native ??= NativeConnection.connect(shared)),
      async close() {
        await (await native?.catch(() => undefined))?.close();
        await connection.close();
      },
    };
  } catch (cause) {
    throw new TwinportError(
      'UNREACHABLE',
      `Temporal does not answer at ${options.address}; is the server running, and is temporal.address right?`,
      { cause },
    );
  }
}
