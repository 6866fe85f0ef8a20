/** A content digest, `<algorithm>:<hex>`, as the OCI image specification writes it. */
export type Digest = `${string}:${string}`;

/**
 * The registered algorithms only: another name could not be checked, so it must not pass as proof.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
const PATTERN = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Says whether `text` is a digest of a registered algorithm. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && PATTERN.test(text);
}

/** The algorithm of a digest, as `node:crypto` names it. */
export function algorithmOf(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The hexadecimal part of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}
