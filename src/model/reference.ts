import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { hexOf, isDigest, type Digest } from './digest.ts';

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const MAX_REPOSITORY_BYTES = 255;

/** Says whether `text` may stand in a `/v2/<name>/` path. */
export function isRepositoryName(text: unknown): boolean {
  return typeof text === 'string' && text.length <= MAX_REPOSITORY_BYTES && REPOSITORY.test(text);
}

/** Says whether `text` is a tag name. */
export function isTagName(text: unknown): boolean {
  return typeof text === 'string' && TAG.test(text);
}

/** A repository with a tag or a digest. */
export interface Reference {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/**
 * Reads `repository`, `repository:tag` or `repository@digest`; no host, since a site has one registry.
 * @returns the parts, or `undefined` if the text is none of these
 */
export function parseReference(text: string): Reference | undefined {
  const at = text.indexOf('@');
  if (at >= 0) {
    const repository = text.slice(0, at);
    const digest = text.slice(at + 1);
    return isRepositoryName(repository) && isDigest(digest) ? { repository, digest } : undefined;
  }
  const colon = text.lastIndexOf(':');
  if (colon < 0) return isRepositoryName(text) ? { repository: text } : undefined;
  const repository = text.slice(0, colon);
  const tag = text.slice(colon + 1);
  return isRepositoryName(repository) && isTagName(tag) ? { repository, tag } : undefined;
}

/** Names that belong to Twinport itself and are never replicated. */
export function isReservedRepository(repository: string): boolean {
  return repository === 'twinport' || repository.startsWith('twinport/');
}

/** Tags that belong to Twinport itself and are never replicated. */
export function isReservedTag(tag: string): boolean {
  return tag.startsWith('twinport-');
}

const KEEP = 'twinport-keep-';
const KEEP_HEX = 32;

/** The tag that keeps at a secondary what another tag of it lost, so that the registry's garbage collection leaves it. */
export function keepTag(digest: Digest): string {
  return `${KEEP}${hexOf(digest).slice(0, KEEP_HEX)}`;
}

const UNDONE = 'twinport-undone-';

/**
 * The tag that says of another one of a secondary that a person set it back: as long as both stand for the same, no push moves that one by itself. It also
 * fits where the other's name is as long as a tag may be.
 */
export function undoneTag(tag: string): string {
  return `${UNDONE}${bytesToHex(sha256(utf8ToBytes(tag))).slice(0, KEEP_HEX)}`;
}

/** Says whether a tag is one of the latter. */
export function isUndoneTag(tag: string): boolean {
  return tag.startsWith(UNDONE);
}

/** Says whether a tag is one of Twinport's that stay for a while only, and are swept. */
export function isKeepTag(tag: string): boolean {
  return tag.startsWith(KEEP) || isUndoneTag(tag);
}

/** What of a digest's hexadecimal part stands in a tag: those of SHA-512 would be longer than a tag may be. */
const FALLBACK_HEX = 64;

/**
 * The tag under which a registry without the referrers API keeps an image's referrers.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export function fallbackTag(digest: Digest): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm}-${hex.slice(0, FALLBACK_HEX)}`;
}

/** The tags that may accompany a manifest: its referrers' fallback index and cosign's signature, attestation and SBOM. */
export function companionTags(digest: Digest): string[] {
  const base = fallbackTag(digest);
  return [base, `${base}.sig`, `${base}.att`, `${base}.sbom`];
}

/** A repository's name at the secondary, by the site's `path` (`mirror/{repository}`). */
export function mapRepository(path: string, repository: string): string {
  return path.replace('{repository}', repository);
}
