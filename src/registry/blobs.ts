import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { OCTET_STREAM } from '../model/media-types.ts';
import { contentLength, contentRange } from './content.ts';
import { isRegistryError, registryError } from './errors.ts';
import type { Session } from './session.ts';
import type { RegistryRequest } from './transport/request.ts';

/**
 * Asks whether `repository` holds a blob, without reading it (one request, no body). It says what the registry believes, which is no proof:
 * see `proveBlob`.
 * @returns its descriptor (`size` in bytes), or `undefined` on 404
 * @throws {RegistryError} DENIED, RATE_LIMITED (`retryAfterMs`), UNREACHABLE, PROTOCOL (no usable Content-Length)
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry
 */
export async function headBlob(
  session: Session,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<Descriptor | undefined> {
  const request: RegistryRequest = { ...blobRequest(repository, digest, signal), method: 'HEAD', accept: [200, 404] };
  const response = await session.send(request);
  if (response.status === 404) return undefined;
  const size = contentLength(response);
  if (size === undefined)
    throw registryError(session, request, 'PROTOCOL', 'answered 200 without a usable Content-Length', { status: 200 });
  return { mediaType: OCTET_STREAM, digest, size };
}

/**
 * Proves that a blob's bytes are there by reading the last of them, in one request: HEAD, a mount and a manifest PUT all succeed on a blob
 * whose bytes are gone from the storage.
 * @returns true only if the last byte arrived and the blob is as long as the descriptor says
 * @throws {RegistryError} DENIED, UNAVAILABLE, UNREACHABLE, …: nothing is known then
 */
export async function proveBlob(session: Session, repository: string, descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> {
  const { digest, size } = descriptor;
  const last = size - 1;
  const response = await session.send({
    ...blobRequest(repository, digest, signal),
    ...(size > 0 ? { headers: { range: `bytes=${last}-${last}` } } : {}),
    accept: [200, 206, 404, 416],
    stream: true,
  });
  const { status, stream } = response;
  if (!stream) return false;
  try {
    if (status === 404 || status === 416) return false;
    const range = contentRange(response);
    const claims = status === 200 ? contentLength(response) === size : range?.total === size && range.start === last && range.end === last;
    return claims && (await yields(stream, status === 200 ? Math.min(size, WHOLE_BYTES) : 1, size === 0));
  } finally {
    stream.cancel();
  }
}

/** Of a blob whose registry does not obey ranges, this much is read: small ones whole. */
const WHOLE_BYTES = 1024 * 1024;

/** Says whether so many bytes come, or, of an empty blob, none. */
async function yields(stream: AsyncIterable<Uint8Array>, wanted: number, empty: boolean): Promise<boolean> {
  let seen = 0;
  try {
    for await (const chunk of stream) {
      seen += chunk.length;
      if (seen >= wanted && !empty) return true;
    }
  } catch (thrown) {
    // The registry announced the byte and then hung up: a file that was cut short looks so. Sending the blob again is the safe answer.
    if (isRegistryError(thrown) && (thrown.code === 'UNREACHABLE' || thrown.code === 'SIZE_MISMATCH')) return false;
    throw thrown;
  }
  return empty && seen === 0;
}

/** A blob from some byte on. */
export interface BlobStream {
  /** Ends after exactly the bytes that were asked for, or throws. */
  readonly stream: AsyncIterable<Uint8Array>;
  readonly offset: number;
  /** Of the whole blob, in bytes. */
  readonly size: number;
  /** Whether the registry sent the range alone; else it began at the start, and what was not asked for is dropped. */
  readonly ranged: boolean;
  /** Lets go of a blob that is not read after all; reading it to its end, or leaving that, does so too. */
  cancel(): void;
}

/**
 * Opens a blob for reading. The bytes are not hashed: the reader must.
 * @param options `offset`: the first byte wanted, `end`: the one after the last (the blob's own end, if absent); a registry that does not obey ranges is
 * read from the start, and the bytes before it dropped
 * @throws {RegistryError} NOT_FOUND, DENIED, UNREACHABLE, PROTOCOL (no size), SIZE_MISMATCH (an offset beyond the end); the stream also throws
 * UNREACHABLE and STALLED (begin again at the byte that is missing) and SIZE_MISMATCH
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
export async function readBlob(
  session: Session,
  repository: string,
  digest: Digest,
  options: { offset?: number | undefined; end?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<BlobStream> {
  const { offset = 0, end, signal } = options;
  const ranged = offset > 0 || end !== undefined;
  const request: RegistryRequest = {
    ...blobRequest(repository, digest, signal),
    ...(ranged ? { headers: { range: `bytes=${offset}-${end === undefined ? '' : end - 1}` } } : {}),
    accept: ranged ? [200, 206, 416] : [200],
    stream: true,
  };
  const response = await session.send(request);
  const { status, stream } = response;
  if (!stream) throw registryError(session, request, 'INTERNAL', 'answered without a stream');
  const range = contentRange(response);
  if (status === 416) {
    stream.cancel();
    // Object storage does not always say in its 416 how long the blob is.
    const total = range?.total ?? (await headBlob(session, repository, digest, signal))?.size;
    if (total === offset) return { stream: nothing(), offset, size: offset, ranged: true, cancel: () => undefined };
    throw registryError(session, request, 'SIZE_MISMATCH', `has ${total ?? 'fewer'} bytes, not ${offset} and more`, { status });
  }
  const size = status === 206 ? range?.total : contentLength(response);
  const start = status === 206 ? range?.start : 0;
  if (size === undefined || start === undefined || start > offset) {
    stream.cancel();
    const lacks = size === undefined ? 'does not say how long the blob is' : `begins at byte ${start}, not at ${offset}`;
    throw registryError(session, request, 'PROTOCOL', `the answer ${lacks}`, { status });
  }
  const wanted = exactly(session, request, stream, offset - start, Math.min(end ?? size, size) - offset);
  const cancel = (): void => stream.cancel();
  return { stream: closing(wanted, cancel), offset, size, ranged: status === 206, cancel };
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // a blob asked for from its end on
}

/** Closes the connection also where a reader turns away before the first byte: a generator that never began has nothing to clean up. */
function closing(generator: AsyncGenerator<Uint8Array>, close: () => void): AsyncIterable<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => generator.next(),
    return: async () => {
      close();
      return generator.return(undefined);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** Drops the bytes before the wanted ones, and makes sure that there are neither fewer nor more than announced. */
async function* exactly(
  session: Session,
  request: RegistryRequest,
  stream: AsyncIterable<Uint8Array>,
  skip: number,
  wanted: number,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of stream) {
    const useful = seen >= skip ? chunk : chunk.subarray(Math.min(chunk.length, skip - seen));
    seen += chunk.length;
    if (seen - skip > wanted) break;
    if (useful.length > 0) yield useful;
  }
  if (seen - skip === wanted) return;
  const found = seen - skip > wanted ? 'more' : `${Math.max(0, seen - skip)}`;
  throw registryError(session, request, 'SIZE_MISMATCH', `announced ${wanted} bytes and sent ${found}`);
}

function blobRequest(repository: string, digest: Digest, signal?: AbortSignal): RegistryRequest {
  return { method: 'GET', repository, path: `blobs/${digest}`, scope: 'pull', signal, accept: [200] };
}
