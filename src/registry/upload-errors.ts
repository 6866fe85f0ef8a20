import type { FailureCode } from '../model/failure.ts';
import { isRegistryError, RegistryError } from './errors.ts';

/**
 * What an error about an upload means for the blob: some answers that would be final elsewhere only say that this upload is spoilt, and a new
 * one may well succeed.
 * @param opened the request went to an upload's location: an unexplained 404 speaks of the upload
 */
export function uploadError(thrown: unknown, opened: boolean): unknown {
  if (!isRegistryError(thrown) || thrown.status === undefined) return thrown;
  const code = codeOf(thrown, thrown.status, opened);
  if (code === thrown.code) return thrown;
  const { side, host, repository, method, status, codes, retryAfterMs } = thrown;
  return new RegistryError(code, thrown.message, { side, host, repository, method, status, codes, retryAfterMs, cause: thrown });
}

function codeOf(error: RegistryError, status: number, opened: boolean): FailureCode {
  const has = (code: string): boolean => error.codes.includes(code);
  if (opened && status === 404 && error.codes.length === 0) return 'UPLOAD_LOST';
  if (status === 400 && has('DIGEST_INVALID')) return 'DIGEST_MISMATCH';
  if (status === 400 && has('SIZE_INVALID')) return 'SIZE_MISMATCH';
  if (has('BLOB_UPLOAD_INVALID') || has('BLOB_UPLOAD_UNKNOWN')) return 'UPLOAD_LOST';
  return error.code;
}
