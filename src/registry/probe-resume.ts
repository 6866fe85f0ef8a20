import { OCTET_STREAM } from '../model/media-types.ts';
import { isRegistryError } from './errors.ts';
import type { Session } from './session.ts';
import { cancelUpload, patchBlob, startUpload, type Upload } from './uploads.ts';

const TWO_BYTES = new Uint8Array([0x74, 0x70]);

/**
 * Finds out whether a broken upload can be gone on with, by an experiment: a registry that answers 416 to bytes for a place that is already
 * filled keeps the upload and can tell where it stands; Distribution 2 cancels it. Costs four requests; the answer is remembered.
 * @throws {RegistryError} DENIED, UNREACHABLE, …
 */
export async function probeResume(session: Session, repository: string, signal?: AbortSignal): Promise<boolean> {
  const started = await startUpload(session, repository, signal);
  const moved = await patchBlob(session, started, once(), { length: TWO_BYTES.length, signal });
  try {
    const resume = await refusesStale(session, started, repository, signal);
    session.capabilities.resume = resume;
    return resume;
  } finally {
    await cancelUpload(session, moved.location, signal);
  }
}

async function refusesStale(session: Session, stale: Upload, repository: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await session.send({
      method: 'PATCH',
      url: stale.location,
      repository,
      path: 'an upload',
      headers: { 'content-type': OCTET_STREAM, 'content-range': `0-${TWO_BYTES.length - 1}` },
      body: TWO_BYTES,
      scope: 'push',
      signal,
      accept: [200, 201, 202, 204],
    });
    return false; // it appended them: it does not look where bytes belong
  } catch (thrown) {
    if (!isRegistryError(thrown) || thrown.status === undefined || thrown.status < 400 || thrown.status >= 500) throw thrown;
    if (thrown.code === 'UNAUTHORIZED' || thrown.code === 'DENIED' || thrown.code === 'RATE_LIMITED') throw thrown;
    return thrown.status === 416;
  }
}

async function* once(): AsyncGenerator<Uint8Array> {
  yield TWO_BYTES;
}
