import type { Digest } from '../model/digest.ts';
import type { Manifest } from '../model/manifest.ts';
import { isSchema1Type } from '../model/media-types.ts';
import { schema1Payload } from '../model/schema1.ts';
import { digestOf } from './content.ts';

/**
 * The digest of a manifest by the algorithm of `like`: of its bytes, or, of Docker's schema 1, of what is signed.
 * @throws {TwinportError} INVALID (a broken schema 1)
 */
export function manifestDigest({ mediaType, bytes }: Pick<Manifest, 'mediaType' | 'bytes'>, like?: Digest): Digest {
  return digestOf(isSchema1Type(mediaType) ? schema1Payload(bytes) : bytes, like);
}

/**
 * Says whether two manifests are the same content of the same type, whichever algorithm each registry named it by. Of schema 1 the signatures do
 * not count, nor whether the type says that there are any: a registry makes both up when it is asked.
 * @throws {TwinportError} INVALID (a broken schema 1)
 */
export function sameManifest(a: Manifest, b: Manifest): boolean {
  const sameType = a.mediaType === b.mediaType || (isSchema1Type(a.mediaType) && isSchema1Type(b.mediaType));
  return sameType && manifestDigest(a) === manifestDigest(b);
}
