import type { Descriptor } from '../model/descriptor.ts';
import { isTwinportError, TwinportError } from '../model/failure.ts';
import type { UploadPosition } from '../model/steps.ts';
import { withGrace } from '../registry/transport/grace.ts';
import { cancelUpload, finishUpload, patchBlob, putBlob, startUpload, type Upload } from '../registry/uploads.ts';
import type { Route } from './site.ts';
import { sourceStream } from './source-stream.ts';

/** Tells the heartbeat where an upload stands; `undefined` once it is over. */
export type OnPosition = (position: UploadPosition | undefined) => void;

/** Up to here a blob goes in one request: there is little to lose, and a request to save. */
export const ONE_PUT_BYTES = 4 * 1024 * 1024;

/**
 * Streams the rest of a blob into an open upload and finishes it. What is larger than a few MiB goes as one PATCH of no stated length: when the
 * source fails, the sync is cancelled or the worker stops, it ends early and cleanly, and the upload can be continued or removed. (Distribution 2.8
 * can do neither with an upload whose connection broke.)
 * @throws {RegistryError} of either side; the source's failure wins over what it did to the upload
 */
export async function sendBlob(route: Route, blob: Descriptor, upload: Upload, onPosition: OnPosition): Promise<void> {
  const { capabilities } = route.site.secondary;
  const small = blob.size - upload.offset <= ONE_PUT_BYTES;
  if (capabilities.patch === false || (small && upload.offset < blob.size)) await putRest(route, blob, upload, onPosition);
  else await patchRest(route, blob, upload, onPosition);
  onPosition(undefined);
}

async function putRest(route: Route, blob: Descriptor, upload: Upload, onPosition: OnPosition): Promise<void> {
  const source = watchSource(route, blob, upload, onPosition);
  try {
    await putBlob(route.site.secondary, upload, route.target, blob, source.strict(), route.signal);
  } catch (thrown) {
    throw source.failure() ?? thrown;
  }
}

async function patchRest(route: Route, blob: Descriptor, upload: Upload, onPosition: OnPosition): Promise<void> {
  const { site, target, signal } = route;
  const source = watchSource(route, blob, upload, onPosition);
  let stands = upload;
  if (upload.offset < blob.size) {
    try {
      stands = await withGrace(signal, (hard) => patchBlob(site.secondary, upload, source.lenient(), { signal: hard }));
    } catch (thrown) {
      if (!refusesPatch(thrown) || upload.offset > 0) throw thrown;
      site.secondary.capabilities.patch = false;
      await cancelUpload(site.secondary, upload.location, signal);
      return putRest(route, blob, await startUpload(site.secondary, target, signal), onPosition);
    }
    site.secondary.capabilities.patch = true;
    onPosition({ digest: blob.digest, location: stands.location, offset: stands.offset });
  }
  const failure = source.failure();
  if (failure !== undefined) throw failure;
  if (stands.offset !== blob.size) {
    throw new TwinportError(
      'UPLOAD_LOST',
      `the secondary says that it has ${stands.offset} of the ${blob.size} bytes of blob ${blob.digest}`,
    );
  }
  await finishUpload(site.secondary, stands, blob, signal);
}

interface WatchedSource {
  /** Throws what the source throws, which breaks the request. */
  strict(): AsyncGenerator<Uint8Array>;
  /** Ends where the source ends, for whatever reason; `failure` tells. */
  lenient(): AsyncGenerator<Uint8Array>;
  failure(): unknown;
}

function watchSource(route: Route, blob: Descriptor, upload: Upload, onPosition: OnPosition): WatchedSource {
  let failure: unknown;
  let offset = upload.offset;
  const tell = (): void => onPosition({ digest: blob.digest, location: upload.location, offset });
  tell();
  async function* strict(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of sourceStream(route, blob, upload.offset)) {
        yield chunk;
        offset += chunk.length;
        tell();
      }
    } catch (thrown) {
      failure = thrown;
      throw thrown;
    }
  }
  async function* lenient(): AsyncGenerator<Uint8Array> {
    try {
      yield* strict();
    } catch (thrown) {
      failure = thrown;
    }
  }
  return { strict, lenient, failure: () => failure };
}

/** A registry that wants whole blobs, or chunks of a size of its own. */
function refusesPatch(thrown: unknown): boolean {
  if (!isTwinportError(thrown)) return false;
  const { status } = thrown as { status?: unknown };
  return thrown.code === 'UNSUPPORTED' || status === 416 || status === 400 || status === 411 || status === 413;
}
