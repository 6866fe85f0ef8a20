import { registryError } from './errors.ts';
import type { Session } from './session.ts';
import { resolveLocation } from './transport/redirects.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';

/** An upload session at a registry. */
export interface Upload {
  /** The newest one: absolute, opaque, signed; never shown to anybody. */
  readonly location: string;
  /** Bytes that the registry holds. */
  readonly offset: number;
  /** The least size of every chunk but the last, in bytes. */
  readonly minChunk?: number;
  /** The registry said `0-0`, which means one byte or none: nothing can be sent here any more, the upload can only be cancelled. */
  readonly ambiguous?: boolean;
}

/**
 * Where an upload stands, by an answer to one of its requests.
 * @param known what must be there: bytes that the registry held before and that were sent since; `undefined` where somebody else sent them
 * @throws {RegistryError} PROTOCOL (no Location, or one with our credentials in it), UPLOAD_LOST (the registry has less than it can be continued from)
 */
export function readUpload(session: Session, request: RegistryRequest, response: RegistryResponse, known: number | undefined): Upload {
  const { status } = response;
  const header = response.header('location') ?? request.url;
  if (header === undefined) throw registryError(session, request, 'PROTOCOL', `answered ${status} without a Location`, { status });
  const location = resolveLocation(session, request, header, new URL(response.url)).href;
  // It is kept in heartbeats, so that another worker can go on: no place for credentials.
  if (response.echoes(location))
    throw registryError(session, request, 'PROTOCOL', 'the Location of the answer holds our credentials', { status });
  const minChunk = Number(response.header('oci-chunk-min-length') ?? Number.NaN);
  return {
    location,
    ...position(session, request, response, known),
    ...(Number.isSafeInteger(minChunk) && minChunk > 0 ? { minChunk } : {}),
  };
}

/**
 * `Range: 0-<last byte>`, with no unit. `0-0` is written for one byte and for none.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
function position(
  session: Session,
  request: RegistryRequest,
  response: RegistryResponse,
  known: number | undefined,
): { offset: number; ambiguous?: boolean } {
  const parts = /^\s*(?:bytes[ =])?0-(\d+)\s*$/.exec(response.header('range') ?? '');
  const end = parts ? Number(parts[1]) : undefined;
  if (known === undefined) return end === undefined || end === 0 ? { offset: 0, ambiguous: true } : { offset: end + 1 };
  // A registry that says nothing, or more than was ever sent, has what it got: the digest is checked at the end.
  if (end === undefined || end + 1 >= known) return { offset: known };
  if (end === 0)
    throw registryError(session, request, 'UPLOAD_LOST', `lost what it had: ${known} bytes were sent`, { status: response.status });
  return { offset: end + 1 };
}
