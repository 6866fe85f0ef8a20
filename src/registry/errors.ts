import { TwinportError, type Content, type FailureCode, type Retry } from '../model/failure.ts';
import { redact } from '../telemetry/index.ts';
import type { Endpoint } from './endpoint.ts';
import { describeRequest, type RegistryRequest } from './transport/request.ts';

/** What is known of a failed request. */
export interface RegistryErrorDetails {
  readonly side: 'primary' | 'secondary';
  /** `host:port` */
  readonly host: string;
  readonly repository?: string | undefined;
  readonly method: string;
  /** HTTP status, where there was an answer. */
  readonly status?: number | undefined;
  /** The registry's own codes, verbatim. */
  readonly codes?: readonly string[];
  /** What was served, where it is not what its name says. */
  readonly found?: Content;
  readonly cause?: unknown;
  readonly retry?: Retry;
  readonly retryAfterMs?: number | undefined;
}

/** A registry that could not be reached, refused, or answered what cannot be used. */
export class RegistryError extends TwinportError {
  override readonly name = 'RegistryError';
  readonly side: 'primary' | 'secondary';
  readonly host: string;
  readonly repository?: string;
  readonly method: string;
  readonly status?: number;
  readonly codes: readonly string[];
  readonly found?: Content;

  constructor(code: FailureCode, message: string, details: RegistryErrorDetails) {
    // What a registry said is in it, and a registry may say anything.
    super(code, redact(message), {
      cause: details.cause,
      retryAfterMs: details.retryAfterMs,
      ...(details.retry === undefined ? {} : { retry: details.retry }),
    });
    this.side = details.side;
    this.host = details.host;
    if (details.repository !== undefined) this.repository = details.repository;
    this.method = details.method;
    if (details.status !== undefined) this.status = details.status;
    this.codes = (details.codes ?? []).map(redact);
    if (details.found !== undefined) this.found = details.found;
  }
}

/** Says whether something thrown came from a registry; by its shape, because `instanceof` fails across realms. */
export function isRegistryError(thrown: unknown): thrown is RegistryError {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    (thrown as { name?: unknown }).name === 'RegistryError' &&
    'side' in thrown &&
    'codes' in thrown
  );
}

/** Whom a request goes to. */
export interface Peer {
  readonly endpoint: Endpoint;
  /** `host:port` */
  readonly host: string;
}

/** How messages name a registry: `secondary "eu" (registry.eu.example.com:443)`. */
export function nameOf(peer: Peer): string {
  const { side, name } = peer.endpoint;
  return name === side ? `${side} (${peer.host})` : `${side} "${name}" (${peer.host})`;
}

/** An error about a request; `says` completes the sentence "the secondary … to GET … : …". */
export function registryError(
  peer: Peer,
  request: Pick<RegistryRequest, 'method' | 'path' | 'repository'>,
  code: FailureCode,
  says: string,
  more: Partial<Omit<RegistryErrorDetails, 'side' | 'host' | 'method' | 'repository'>> = {},
): RegistryError {
  return new RegistryError(code, `${nameOf(peer)}: ${describeRequest(request)}: ${says}`, {
    ...more,
    side: peer.endpoint.side,
    host: peer.host,
    repository: request.repository,
    method: request.method,
  });
}
