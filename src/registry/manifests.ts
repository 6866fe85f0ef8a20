import type { Descriptor } from '../model/descriptor.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { manifestMediaType, type Manifest } from '../model/manifest.ts';
import { isVagueType, MANIFEST_ACCEPT } from '../model/media-types.ts';
import { contentDigest, contentLength, digestOf } from './content.ts';
import { isRegistryError, registryError } from './errors.ts';
import { ownApi } from './kinds/own-apis.ts';
import { manifestDigest } from './manifest-digest.ts';
import type { Session } from './session.ts';
import { pause } from './transport/pause.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';

export { probeAbsence, type Absence } from './probe-absence.ts';

/** Distribution stores up to 4 MiB; nothing real comes near twice that. */
const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

/**
 * Asks what a tag or digest stands for, with one HEAD; a registry that leaves out the digest, the size or the type is asked with a GET.
 * @param reference a tag or a digest
 * @returns the descriptor, or `undefined` on 404
 * @throws {RegistryError} DENIED, RATE_LIMITED, UNREACHABLE, DIGEST_MISMATCH, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#checking-if-content-exists-in-the-registry
 */
export async function headManifest(
  session: Session,
  repository: string,
  reference: string,
  signal?: AbortSignal,
): Promise<Descriptor | undefined> {
  const response = await read(session, { ...manifestRequest('HEAD', repository, reference, signal), accept: [200, 404] });
  if (response.status === 404) return undefined;
  const digest = contentDigest(response);
  const size = contentLength(response);
  const mediaType = response.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const believable = digest !== undefined && (!isDigest(reference) || digest === reference);
  // Also of a type that nobody knows: whether it can be replicated is found out by reading it.
  if (believable && size !== undefined && !isVagueType(mediaType)) return { mediaType, digest, size };
  const manifest = await getManifest(session, repository, reference, signal);
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
}

/**
 * Reads a manifest; its digest is computed from the bytes, whatever the headers say.
 * @param reference a tag or a digest; asked by digest, the bytes must hash to it
 * @returns the manifest as served, or `undefined` on 404
 * @throws {RegistryError} DIGEST_MISMATCH (other bytes than the digest says), TOO_LARGE (over 8 MiB), UNSUPPORTED (no type of manifest, and not built as one), INVALID (a broken schema 1), …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export async function getManifest(
  session: Session,
  repository: string,
  reference: string,
  signal?: AbortSignal,
): Promise<Manifest | undefined> {
  const request: RegistryRequest = {
    ...manifestRequest('GET', repository, reference, signal),
    accept: [200, 404],
    maxBytes: MAX_MANIFEST_BYTES,
  };
  const response = await read(session, request);
  return response.status === 404 ? undefined : readManifest(session, request, reference, response);
}

/**
 * Stores a manifest under a tag or its digest, byte for byte.
 * @param sendBy when it is too late for that, by `performance.now()`
 * @returns whether the registry said that it lists the manifest among its subject's referrers (`OCI-Subject`)
 * @throws {RegistryError} BLOB_UNKNOWN (content is missing), INVALID, TOO_LARGE, QUOTA, DIGEST_MISMATCH (stored as something else), LATE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
export async function putManifest(
  session: Session,
  repository: string,
  reference: string,
  manifest: Manifest,
  signal?: AbortSignal,
  sendBy?: number,
): Promise<{ subjectSeen: boolean }> {
  const request: RegistryRequest = {
    method: 'PUT',
    repository,
    path: `manifests/${reference}`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
    scope: 'push',
    signal,
    sendBy,
    accept: [200, 201, 202],
  };
  const response = await session.send(request);
  const stored = contentDigest(response);
  if (stored !== undefined && !isDigestOf(manifest, stored)) {
    throw registryError(session, request, 'DIGEST_MISMATCH', `stored the manifest ${manifest.digest} as ${stored}`, {
      status: response.status,
    });
  }
  return { subjectSeen: response.header('oci-subject') !== undefined };
}

/**
 * Deletes a manifest, and with it every tag on it.
 * @returns `refused`: the registry does not delete (405)
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-manifests
 */
export async function deleteManifest(
  session: Session,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<'deleted' | 'absent' | 'refused'> {
  const own = await ownApi(session).deleteManifest?.(session, repository, digest, signal);
  if (own !== undefined) return own;
  const { status } = await session.send({
    method: 'DELETE',
    repository,
    path: `manifests/${digest}`,
    scope: 'delete',
    signal,
    accept: [200, 202, 204, 404, 405],
  });
  if (status === 404) return 'absent';
  return status === 405 ? 'refused' : 'deleted';
}

/** Distribution 2 answers 500 to whoever reads a manifest or tag in the moment in which it is written, be it by the same bytes. */
async function read(session: Session, request: RegistryRequest): Promise<RegistryResponse> {
  for (const pauseMs of WRITTEN_MS) {
    try {
      return await session.send(request);
    } catch (thrown) {
      if (!isRegistryError(thrown) || thrown.code !== 'UNAVAILABLE' || thrown.status !== 500) throw thrown;
      await pause(pauseMs, request.signal);
    }
  }
  return session.send(request);
}

const WRITTEN_MS = [10, 40, 100];

function manifestRequest(
  method: 'GET' | 'HEAD',
  repository: string,
  reference: string,
  signal?: AbortSignal,
): Omit<RegistryRequest, 'accept'> {
  return { method, repository, path: `manifests/${reference}`, headers: { accept: MANIFEST_ACCEPT }, scope: 'pull', signal };
}

function readManifest(session: Session, request: RegistryRequest, reference: string, response: RegistryResponse): Manifest {
  const { bytes } = response;
  const mediaType = manifestMediaType(response.header('content-type'), parseObject(bytes));
  if (mediaType === undefined) {
    const served = response.header('content-type') ?? 'no type';
    const says = `answered with ${served.slice(0, 100)}, which is no known type of manifest, and the body is not built as an OCI manifest or index`;
    throw registryError(session, request, 'UNSUPPORTED', says, { status: 200 });
  }
  const claimed = isDigest(reference) ? reference : contentDigest(response);
  const digest =
    claimed !== undefined && isDigestOf({ mediaType, bytes }, claimed) ? claimed : manifestDigest({ mediaType, bytes }, claimed);
  if (claimed !== undefined && digest !== claimed) {
    throw registryError(session, request, 'DIGEST_MISMATCH', `answered with bytes that hash to ${digest}, not to ${claimed}`, {
      status: 200,
      found: { digest, size: bytes.length },
    });
  }
  return { mediaType, digest, size: bytes.length, bytes };
}

/** A registry that knows nothing of schema 1 names it by its bytes, signatures and all. */
function isDigestOf(manifest: Pick<Manifest, 'mediaType' | 'bytes'>, digest: Digest): boolean {
  return digest === manifestDigest(manifest, digest) || digest === digestOf(manifest.bytes, digest);
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {}; // whoever reads what the manifest points at finds this out, and says so
  }
}
