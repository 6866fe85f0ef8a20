export const OCTET_STREAM = 'application/octet-stream';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const OCI_ARTIFACT = 'application/vnd.oci.artifact.manifest.v1+json';
export const DOCKER_SCHEMA1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
export const DOCKER_SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json';
/** In an index of BuildKit's cache, what stands in for a config. */
export const BUILDKIT_CACHE = 'application/vnd.buildkit.cacheconfig.v0';

const INDEX_TYPES: ReadonlySet<string> = new Set([OCI_INDEX, DOCKER_LIST]);
const IMAGE_TYPES: ReadonlySet<string> = new Set([OCI_MANIFEST, DOCKER_MANIFEST, OCI_ARTIFACT]);
const SCHEMA1_TYPES: ReadonlySet<string> = new Set([DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED]);

/**
 * Sent whole with every manifest request: a type that is left out is converted by old registries, or answered with 404.
 * @see docs/design.md#looking
 */
export const MANIFEST_ACCEPT = [
  OCI_INDEX,
  OCI_MANIFEST,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_ARTIFACT,
  DOCKER_SCHEMA1_SIGNED,
  DOCKER_SCHEMA1,
  'application/json;q=0.5',
  '*/*;q=0.1',
].join(', ');

/** An index or a manifest list: its entries are manifests, or, in BuildKit's cache, blobs. */
export function isIndexType(mediaType: string): boolean {
  return INDEX_TYPES.has(mediaType);
}

/** Layers whose bytes lie elsewhere, or may not be handed on. */
const FOREIGN = /^application\/vnd\.(?:docker\.image\.rootfs\.foreign\.diff\.|oci\.image\.layer\.nondistributable\.)/;
const BLOB = /^application\/vnd\.(?:docker\.image\.rootfs\.|oci\.image\.layer\.|buildkit\.cacheconfig\.)/;
/** What a server says that does not know, or does not tell. */
const VAGUE_TYPES: ReadonlySet<string> = new Set(['', 'application/json', 'application/octet-stream', 'text/plain', 'text/html']);

/** Any type whose content is served at `/manifests/`. */
export function isManifestType(mediaType: string): boolean {
  return INDEX_TYPES.has(mediaType) || IMAGE_TYPES.has(mediaType) || SCHEMA1_TYPES.has(mediaType);
}

/** Docker's schema 1, signed or not. */
export function isSchema1Type(mediaType: string): boolean {
  return SCHEMA1_TYPES.has(mediaType);
}

/** A layer that is not to be handed on, or that is fetched from elsewhere, by its type. */
export function isForeignType(mediaType: string): boolean {
  return FOREIGN.test(mediaType);
}

/** A type whose content is served at `/blobs/`, wherever it is listed; any other may be either. */
export function isBlobType(mediaType: string): boolean {
  return BLOB.test(mediaType);
}

/** A type that says nothing of the content: the body is asked instead. */
export function isVagueType(mediaType: string): boolean {
  return VAGUE_TYPES.has(mediaType);
}
