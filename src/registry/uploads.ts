import type { Descriptor } from '../model/descriptor.ts';
import type { Digest } from '../model/digest.ts';
import { OCTET_STREAM } from '../model/media-types.ts';
import { contentDigest } from './content.ts';
import { isRegistryError, registryError } from './errors.ts';
import type { Session } from './session.ts';
import type { RegistryRequest, RegistryResponse, StreamedBody } from './transport/request.ts';
import { withGrace } from './transport/grace.ts';
import { abandon } from './transport/outgoing.ts';
import { stallMsOf } from './transport/wire.ts';
import { uploadError } from './upload-errors.ts';
import { readUpload, type Upload } from './upload-position.ts';

export type { Upload } from './upload-position.ts';

/** How fast a slow registry is trusted to hash and move a blob after its last byte, before it answers. */
const DIGEST_BYTES_PER_SECOND = 8 * 1024 * 1024;

/** Answers to a mount that only mean "send it yourself". */
const NO_MOUNT: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'DENIED', 'NOT_FOUND', 'UNSUPPORTED', 'INVALID', 'BLOB_UNKNOWN']);

/**
 * Opens an upload.
 * @throws {RegistryError} DENIED, QUOTA, UNREACHABLE, NOT_FOUND (the registry does not make repositories by itself), …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export async function startUpload(session: Session, repository: string, signal?: AbortSignal): Promise<Upload> {
  const request = postRequest(repository);
  return readUpload(session, request, await open(session, request, signal), 0);
}

/**
 * Makes a blob of another repository of the same registry appear in this one, without sending it.
 * A mount may succeed although the bytes are gone: see `proveBlob`.
 * @returns `mounted`, or the upload that the registry opened instead
 * @throws {RegistryError} as `startUpload`
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
 */
export async function mountBlob(
  session: Session,
  repository: string,
  digest: Digest,
  from: string,
  signal?: AbortSignal,
): Promise<'mounted' | Upload> {
  const request = { ...postRequest(repository), query: { mount: digest, from }, pullFrom: from, accept: [201, 202] };
  let response: RegistryResponse;
  try {
    response = await open(session, request, signal);
  } catch (thrown) {
    // It is only a short cut: whatever the registry has against it (no right to read `from`, no such blob) may not stand in the way.
    if (isRegistryError(thrown) && NO_MOUNT.has(thrown.code)) return startUpload(session, repository, signal);
    throw thrown;
  }
  if (response.status === 202) return readUpload(session, request, response, 0);
  session.capabilities.mount = true;
  checkStored(session, request, response, digest);
  return 'mounted';
}

/**
 * Sends a whole blob, or the rest of it, as the last request of an upload.
 * @param body the bytes from `upload.offset` on: exactly `descriptor.size - upload.offset` of them
 * @throws {RegistryError} UPLOAD_LOST (begin with a new one), DIGEST_MISMATCH, SIZE_MISMATCH, QUOTA, UNREACHABLE, …; what `body` throws, as it is
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
 */
export async function putBlob(
  session: Session,
  upload: Upload,
  repository: string,
  descriptor: Descriptor,
  body: StreamedBody | Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const length = descriptor.size - upload.offset;
  const request: RegistryRequest = {
    ...uploadRequest('PUT', upload, repository, signal),
    query: { digest: descriptor.digest },
    headers: { 'content-type': OCTET_STREAM, ...restRange(upload.offset, length) },
    ...(length > 0 ? { body, length } : {}),
    accept: [200, 201, 204],
    answerMs: digestMs(session, descriptor.size),
  };
  requireUsable(session, request, upload);
  if (length <= 0) abandon(body);
  if (length < 0 || (body instanceof Uint8Array && body.length !== length)) {
    throw registryError(
      session,
      request,
      'SIZE_MISMATCH',
      `not sent: ${length} bytes are missing from the blob, and the body has another size`,
    );
  }
  checkStored(session, request, await attempt(session, request), descriptor.digest);
}

/**
 * Sends a small blob in a single request.
 * @returns `done`, or, where the registry does not know this way, the upload that it opened (nothing was stored)
 * @throws {RegistryError} DIGEST_MISMATCH, QUOTA, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#single-post
 */
export async function postBlob(
  session: Session,
  repository: string,
  descriptor: Descriptor,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<'done' | Upload> {
  const request: RegistryRequest = {
    ...postRequest(repository),
    query: { digest: descriptor.digest },
    headers: { 'content-type': OCTET_STREAM },
    body: bytes,
    accept: [201, 202],
    answerMs: digestMs(session, bytes.length),
  };
  const response = await open(session, request, signal);
  session.capabilities.singlePost = response.status === 201;
  if (response.status === 202) return readUpload(session, request, response, 0);
  checkStored(session, request, response, descriptor.digest);
  return 'done';
}

/**
 * Sends a part of a blob. A body without `length` may end at any byte: the registry keeps what came, and the upload can be gone on with.
 * @returns where the upload stands now
 * @throws {RegistryError} UPLOAD_LOST (ask `uploadStatus`, then go on or begin anew), UNREACHABLE, …; what `body` throws, as it is
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function patchBlob(
  session: Session,
  upload: Upload,
  body: StreamedBody,
  options: { length?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Upload> {
  const { length, signal } = options;
  if (length === 0) {
    abandon(body);
    return upload;
  }
  const counted = countBytes(body);
  const request: RegistryRequest = {
    ...uploadRequest('PATCH', upload, undefined, signal),
    headers: { 'content-type': OCTET_STREAM, ...(length === undefined ? {} : { 'content-range': chunkRange(upload.offset, length) }) },
    body: counted.body,
    length,
    accept: [200, 201, 202, 204],
  };
  requireUsable(session, request, upload);
  const response = await attempt(session, request);
  return keepMinChunk(readUpload(session, request, response, upload.offset + counted.bytes()), upload);
}

/**
 * Ends an upload whose bytes have all been sent.
 * @throws {RegistryError} UPLOAD_LOST, DIGEST_MISMATCH, QUOTA, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function finishUpload(session: Session, upload: Upload, descriptor: Descriptor, signal?: AbortSignal): Promise<void> {
  const request: RegistryRequest = {
    ...uploadRequest('PUT', upload, undefined, signal),
    query: { digest: descriptor.digest },
    headers: { 'content-type': OCTET_STREAM },
    accept: [200, 201, 204],
    answerMs: digestMs(session, descriptor.size),
  };
  checkStored(session, request, await attempt(session, request), descriptor.digest);
}

/**
 * Asks how far an upload has come. Never while something is being sent to it: Distribution 2 cancels the upload then.
 * @returns where it stands, with a new location; an `offset` of 0 means that nothing can be gone on with (see `ambiguous`); `undefined` if the
 * registry does not know the upload, or cannot say
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function uploadStatus(session: Session, location: string, signal?: AbortSignal): Promise<Upload | undefined> {
  const request: RegistryRequest = {
    ...uploadRequest('GET', { location, offset: 0 }, undefined, signal),
    scope: 'pull',
    // Distribution 3 on S3 answers 500 of an upload whose connection broke: to insist on it would hold the blob up for ever.
    accept: [200, 202, 204, 400, 404, 405, 500],
  };
  const response = await attempt(session, request);
  return response.status >= 400 ? undefined : readUpload(session, request, response, undefined);
}

/**
 * Gives an upload up, so that the registry need not keep its bytes; one that is gone already, or a registry that cannot, is no error.
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function cancelUpload(session: Session, location: string, signal?: AbortSignal): Promise<void> {
  const status = await deleteUpload(session, location, signal);
  if (status < 300 || status === 405) return;
  // The location may be one of before the last bytes: the registry tells a newer one.
  const fresh = await uploadStatus(session, location, signal);
  if (fresh) await deleteUpload(session, fresh.location, signal);
}

async function deleteUpload(session: Session, location: string, signal?: AbortSignal): Promise<number> {
  const request: RegistryRequest = {
    ...uploadRequest('DELETE', { location, offset: 0 }, undefined, signal),
    accept: [200, 202, 204, 400, 404, 405, 416],
  };
  return (await attempt(session, request)).status;
}

/** Sends a request about an upload. */
async function attempt(session: Session, request: RegistryRequest): Promise<RegistryResponse> {
  try {
    return await session.send(request);
  } catch (thrown) {
    throw uploadError(thrown, request.url !== undefined);
  }
}

/** Sends what may open an upload. Its answer is waited for even when the caller goes: nobody else would know where the upload is. */
function open(session: Session, request: RegistryRequest, signal: AbortSignal | undefined): Promise<RegistryResponse> {
  return withGrace(signal, (hard) => attempt(session, { ...request, signal: hard }));
}

function postRequest(repository: string): RegistryRequest {
  return { method: 'POST', repository, path: 'blobs/uploads/', scope: 'push', accept: [202] };
}

type UploadMethod = 'GET' | 'PATCH' | 'PUT' | 'DELETE';

function uploadRequest(
  method: UploadMethod,
  upload: Upload,
  repository: string | undefined,
  signal?: AbortSignal,
): Omit<RegistryRequest, 'accept'> {
  const name = repository ?? repositoryOf(upload.location);
  return { method, url: upload.location, repository: name, path: 'an upload', scope: 'push', signal };
}

/** The repository in a location, where it is of the usual form; else the registry's challenge tells what token it wants. */
function repositoryOf(location: string): string | undefined {
  const path = URL.canParse(location) ? new URL(location).pathname : '';
  return /\/v2\/(.+)\/blobs\/uploads\//.exec(path)?.[1];
}

function requireUsable(session: Session, request: RegistryRequest, upload: Upload): void {
  if (upload.ambiguous)
    throw registryError(session, request, 'UPLOAD_LOST', 'not sent: the registry cannot tell whether it has one byte or none');
}

/** What was stored, as far as the registry says it, must be what was sent. */
function checkStored(session: Session, request: RegistryRequest, response: RegistryResponse, digest: Digest): void {
  const stored = contentDigest(response);
  if (stored === undefined || stored === digest || stored.slice(0, 7) !== digest.slice(0, 7)) return;
  throw registryError(session, request, 'DIGEST_MISMATCH', `stored ${digest} as ${stored}`, { status: response.status });
}

/** The last part of a blob says where it belongs; a whole blob need not, and some registries would take it for a part. */
function restRange(offset: number, length: number): Record<string, string> {
  return offset > 0 && length > 0 ? { 'content-range': chunkRange(offset, length) } : {};
}

/** Inclusive and bare: with a unit or a total, Distribution answers 500. */
function chunkRange(offset: number, length: number): string {
  return `${offset}-${offset + length - 1}`;
}

function digestMs(session: Session, bytes: number): number {
  return stallMsOf(session.endpoint) + (bytes / DIGEST_BYTES_PER_SECOND) * 1000;
}

function keepMinChunk(upload: Upload, before: Upload): Upload {
  return upload.minChunk === undefined && before.minChunk !== undefined ? { ...upload, minChunk: before.minChunk } : upload;
}

/** Not a generator: one that never began would not pass on that it is to end. */
function countBytes(body: StreamedBody): { body: StreamedBody; bytes(): number } {
  const source = body[Symbol.asyncIterator]();
  let bytes = 0;
  const iterator: AsyncIterator<Uint8Array> = {
    next: async () => {
      const step = await source.next();
      if (!step.done) bytes += step.value.length;
      return step;
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  };
  return { body: { [Symbol.asyncIterator]: () => iterator }, bytes: () => bytes };
}
