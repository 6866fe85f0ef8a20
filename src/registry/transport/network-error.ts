import type { FailureCode } from '../../model/failure.ts';
import { isTwinportError } from '../../model/failure.ts';
import { registryError, type Peer } from '../errors.ts';
import { FORBIDDEN_ADDRESS } from './destinations.ts';
import type { RegistryRequest } from './request.ts';

const STALLS: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'TWINPORT_STALL']);
const LENGTHS: ReadonlySet<string> = new Set(['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);
const TLS =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED|CRL_|ERR_OSSL_)|^EPROTO$/;
const OURS: ReadonlySet<string> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'ERR_INVALID_ARG_TYPE',
]);

/** Turns what the HTTP client threw into our error; what is ours already stays as it is. */
export function networkError(peer: Peer, request: RegistryRequest, thrown: unknown, signal?: AbortSignal): unknown {
  if (isTwinportError(thrown)) return thrown;
  if (signal?.aborted) return registryError(peer, request, 'CANCELLED', 'stopped on request', { cause: thrown });
  const code = systemCode(thrown);
  return registryError(peer, request, failureCode(code), sentence(code, thrown) + hint(peer, code, thrown), { cause: thrown });
}

function failureCode(code: string): FailureCode {
  if (STALLS.has(code)) return 'STALLED';
  if (TLS.test(code)) return 'TLS';
  if (LENGTHS.has(code)) return 'SIZE_MISMATCH';
  if (code === FORBIDDEN_ADDRESS) return 'PROTOCOL';
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') return 'PROTOCOL';
  return OURS.has(code) || code === '' ? 'INTERNAL' : 'UNREACHABLE';
}

function sentence(code: string, thrown: unknown): string {
  if (STALLS.has(code)) return 'not a byte went either way for the stall timeout';
  if (code === 'ECONNREFUSED') return 'the connection was refused (ECONNREFUSED): is the registry running at this address?';
  if (code === FORBIDDEN_ADDRESS) return (thrown as Error).message;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name was not found (${code})`;
  const message = String((thrown as { message?: unknown } | null)?.message ?? thrown)
    .split('\n', 1)[0]
    ?.replace(/\?[^\s"']*/g, '')
    .slice(0, 200);
  return code === '' ? `failed: ${message}` : `failed: ${message} (${code})`;
}

/** A server that wants a client certificate ends the connection before it says a word; its alert does not reach us. */
function hint(peer: Peer, code: string, thrown: unknown): string {
  const silent = code === 'UND_ERR_SOCKET' && (thrown as { socket?: { bytesRead?: number } | null }).socket?.bytesRead === 0;
  const { url, tls } = peer.endpoint;
  return silent && url.startsWith('https:') && tls?.cert === undefined ? '; does it want a client certificate?' : '';
}

/** The `code` of an error or of its nearest cause: system and HTTP client errors are judged by nothing else. */
function systemCode(thrown: unknown): string {
  for (let at = thrown, depth = 0; typeof at === 'object' && at !== null && depth < 4; at = (at as { cause?: unknown }).cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return '';
}
