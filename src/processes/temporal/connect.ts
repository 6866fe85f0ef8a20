import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import { TwinportError } from '../../model/failure.ts';
import type { Tracer } from '../../telemetry/index.ts';
import { dataConverterOf } from './data-converter.ts';
import type { PayloadEncryption } from './payload-codec.ts';
import { traceClient } from './traces.ts';

export interface TemporalOptions {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
  readonly tls?: boolean | { serverRootCACertificate?: Buffer; clientCertPair?: { crt: Buffer; key: Buffer }; serverNameOverride?: string };
  readonly apiKey?: string;
  readonly encryption?: PayloadEncryption;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  /** How payloads are written and read: every worker on this connection must do it alike. */
  readonly dataConverter: DataConverter;
  /** The workers' connection, made when first asked for. */
  native(): Promise<NativeConnection>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const RETRY_MARGIN_MS = 200;

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
  const dataConverter = dataConverterOf(options.encryption);
  const retries = endingRetries();
  const { namespace, tracer } = options;
  try {
    const connection = await Connection.connect({ ...shared, connectTimeout: CONNECT_TIMEOUT_MS, interceptors: retries.interceptors });
    let native: Promise<NativeConnection> | undefined;
    return {
      client: new Client({
        connection,
        namespace,
        dataConverter,
        ...(tracer ? { interceptors: { workflow: [traceClient(tracer)] } } : {}),
      }),
      dataConverter,
      connection,
      namespace,
      native: () => (native ??= NativeConnection.connect(shared)),
      async close() {
        await retries.end();
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

/**
 * The client's usual retries, which can be ended: a retry whose timer fires after the connection was closed throws where nobody can catch it, and would
 * end the process in the middle of its shutdown.
 */
function endingRetries(): { interceptors: NonNullable<ConnectionOptions['interceptors']>; end(): Promise<void> } {
  const usual = defaultGrpcRetryOptions();
  let ending = false;
  let lastRetryAt = 0;
  const interceptor = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !ending && usual.retryableDecider(attempt, status),
    delayFunction(attempt, status) {
      const delayMs = usual.delayFunction(attempt, status);
      lastRetryAt = Math.max(lastRetryAt, Date.now() + delayMs);
      return delayMs;
    },
  });
  return {
    interceptors: [interceptor],
    async end() {
      ending = true;
      const leftMs = lastRetryAt - Date.now();
      if (leftMs > 0) await sleep(leftMs + RETRY_MARGIN_MS);
    },
  };
}
