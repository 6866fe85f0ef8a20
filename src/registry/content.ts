import { createHash } from 'node:crypto';
import { algorithmOf, isDigest, type Digest } from '../model/digest.ts';
import type { RegistryResponse } from './transport/request.ts';

/** The digest of bytes, by the algorithm of `like`. */
export function digestOf(bytes: Uint8Array, like: Digest = 'sha256:'): Digest {
  const algorithm = algorithmOf(like);
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** `Docker-Content-Digest`, if it is there and can be checked. */
export function contentDigest(response: RegistryResponse): Digest | undefined {
  const header = response.header('docker-content-digest')?.trim();
  return isDigest(header) ? header : undefined;
}

/** `Content-Length` in bytes, if it is there. */
export function contentLength(response: RegistryResponse): number | undefined {
  return wholeNumber(response.header('content-length'));
}

/** A part of a body: `Content-Range: bytes <start>-<end>/<total>`; a 416 has only the total. */
export interface ContentRange {
  readonly start?: number;
  readonly end?: number;
  readonly total?: number;
}

/**
 * Reads `Content-Range`.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.4
 */
export function contentRange(response: RegistryResponse): ContentRange | undefined {
  const parts = /^\s*bytes\s+(?:(\d+)-(\d+)|\*)\/(?:(\d+)|\*)\s*$/i.exec(response.header('content-range') ?? '');
  if (!parts) return undefined;
  const [start, end, total] = parts.slice(1).map(wholeNumber);
  return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }), ...(total === undefined ? {} : { total }) };
}

function wholeNumber(text: string | undefined): number | undefined {
  const value = text !== undefined && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}
