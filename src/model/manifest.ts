import type { Descriptor } from './descriptor.ts';
import { isDigest, type Digest } from './digest.ts';
import { TwinportError } from './failure.ts';
import {
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isBlobType,
  isForeignType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  isVagueType,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts';
import { schema1Layers } from './schema1.ts';

/** A manifest as a registry served it: the bytes are never rewritten. */
export interface Manifest extends Descriptor {
  readonly bytes: Uint8Array;
}

/** A layer whose bytes may lie elsewhere: by its type, or because it says where. */
export interface ForeignLayer extends Descriptor {
  /** It says where else it can be fetched. */
  readonly elsewhere: boolean;
}

/** What a manifest points at. */
export interface ManifestLinks {
  /** Entries of an index that are manifests by their type, in its order. */
  readonly children: readonly Descriptor[];
  /** Entries of an index whose type is none of a manifest's or a blob's: only a look at the registry tells which they are. */
  readonly entries: readonly Descriptor[];
  /** Config and layers, in their order; entries of an index that are blobs by their type. */
  readonly blobs: readonly Descriptor[];
  /** Foreign and non-distributable layers. */
  readonly foreign: readonly ForeignLayer[];
  /** Layers of schema 1, which does not say how long they are. */
  readonly unsized: readonly Digest[];
  /** The manifest that this one is a referrer of. */
  readonly subject?: Descriptor;
}

const NO_LINKS: ManifestLinks = { children: [], entries: [], blobs: [], foreign: [], unsized: [] };

/** What an image manifest or an index may hold by the OCI image specification: a type that nobody knows is read as one if it holds nothing else. */
const IMAGE_FIELDS: ReadonlySet<string> = new Set([
  ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'subject', 'annotations'],
]);
const INDEX_FIELDS: ReadonlySet<string> = new Set([
  ...['schemaVersion', 'mediaType', 'artifactType', 'manifests', 'subject', 'annotations'],
]);

/**
 * Chooses a manifest's media type: the one served, or the one its body names or shows where the server was vague. It may be one that nobody knows.
 * @returns the type without parameters, or `undefined` if nothing tells
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#image-manifest-property-descriptions
 */
export function manifestMediaType(served: string | undefined, body: Record<string, unknown>): string | undefined {
  const type = served?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (isManifestType(type)) return type;
  const named = body['mediaType'];
  if (!isVagueType(type)) return shapeOf(body) === undefined ? undefined : type;
  if (typeof named === 'string' && isManifestType(named)) return named;
  if (body['schemaVersion'] === 1 && Array.isArray(body['fsLayers'])) return body['signatures'] ? DOCKER_SCHEMA1_SIGNED : DOCKER_SCHEMA1;
  if (typeof named === 'string' && named !== '') return isVagueType(named) || shapeOf(body) === undefined ? undefined : named;
  if (Array.isArray(body['manifests'])) return OCI_INDEX;
  if (Array.isArray(body['layers']) || typeof body['config'] === 'object') return OCI_MANIFEST;
  return undefined;
}

/** Says whether a body is built as an image manifest or an index is, and holds nothing that could point at more. */
function shapeOf(body: Record<string, unknown>): 'image' | 'index' | undefined {
  const only = (fields: ReadonlySet<string>): boolean => Object.keys(body).every((field) => fields.has(field));
  if (body['schemaVersion'] !== 2) return undefined;
  if (Array.isArray(body['layers']) && typeof body['config'] === 'object' && only(IMAGE_FIELDS)) return 'image';
  return Array.isArray(body['manifests']) && only(INDEX_FIELDS) ? 'index' : undefined;
}

/**
 * Reads what a manifest points at.
 * @throws {TwinportError} INVALID (not JSON, a broken descriptor, a body of another kind than its type), UNSUPPORTED (a type that nobody knows, and not built as an OCI manifest is)
 */
export function linksOf(manifest: Pick<Manifest, 'mediaType' | 'digest' | 'bytes'>): ManifestLinks {
  const { mediaType, digest, bytes } = manifest;
  if (isSchema1Type(mediaType)) return { ...NO_LINKS, unsized: schema1Layers(bytes) };
  const body = parseBody(manifest);
  refuseAlike(body, CONTENT_FIELDS, digest, '');
  const shape = isIndexType(mediaType) ? 'index' : isManifestType(mediaType) ? 'image' : shapeOf(body);
  if (shape === undefined) {
    throw new TwinportError(
      'UNSUPPORTED',
      `manifest ${digest} is of type ${mediaType.slice(0, 100)}, which is not known, and not built as an OCI manifest or index: what belongs to it cannot be told`,
    );
  }
  refuseOtherKind(body, shape, digest);
  const links = shape === 'index' ? indexLinks(body, digest) : imageLinks(body, digest);
  const { subject } = body;
  return subject === undefined || subject === null ? links : { ...links, subject: readDescriptor(subject, digest, 'subject') };
}

/** Read as the kind that it is not, a manifest would seem to point at nothing, and be complete without its content. */
function refuseOtherKind(body: Record<string, unknown>, shape: 'image' | 'index', owner: Digest): void {
  const other = shape === 'index' ? ['config', 'layers'] : ['manifests'];
  const odd = other.find((field) => !isNothing(body[field]));
  const named = body['mediaType'];
  const contradicts = typeof named === 'string' && isManifestType(named) && isIndexType(named) !== (shape === 'index');
  if (odd === undefined && !contradicts) return;
  const what = odd === undefined ? `calls itself ${JSON.stringify(named)}` : `has ${odd}`;
  throw new TwinportError('INVALID', `manifest ${owner} is served as ${shape === 'index' ? 'an index' : 'an image'}, but ${what}`);
}

/** What says what belongs to a manifest, and which bytes are meant. */
const CONTENT_FIELDS: ReadonlySet<string> = new Set(['config', 'layers', 'blobs', 'manifests', 'subject']);
const BYTES_FIELDS: ReadonlySet<string> = new Set(['digest', 'size']);

/** Go takes `Layers` for `layers`, and with it most registries and clients: they would see other content than was replicated. */
function refuseAlike(object: object, fields: ReadonlySet<string>, owner: Digest, where: string): void {
  for (const key of Object.keys(object)) {
    const field = key.toUpperCase().toLowerCase(); // the long s is one by its capital alone
    if (key === field || !fields.has(field)) continue;
    throw new TwinportError(
      'INVALID',
      `manifest ${owner}: ${where}${JSON.stringify(key)} is "${field}" to some readers, and nothing to others`,
    );
  }
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function indexLinks(body: Record<string, unknown>, owner: Digest): ManifestLinks {
  const listed = readList(body['manifests'], owner, 'manifests');
  const { foreign, own } = parted(listed);
  return {
    ...NO_LINKS,
    children: own.filter(({ mediaType }) => isManifestType(mediaType)),
    entries: own.filter(({ mediaType }) => !isManifestType(mediaType) && !isBlobType(mediaType)),
    blobs: own.filter(({ mediaType }) => isBlobType(mediaType)),
    foreign,
  };
}

function imageLinks(body: Record<string, unknown>, owner: Digest): ManifestLinks {
  const config = body['config'] === undefined ? [] : [readDescriptor(body['config'], owner, 'config')];
  const { foreign, own } = parted(readList(body['layers'] ?? body['blobs'], owner, 'layers'));
  return { ...NO_LINKS, blobs: [...config, ...own], foreign };
}

/** An entry that says where else it lies is foreign whatever its type, unless it is a manifest: those lie in this registry. */
function parted(listed: readonly Listed[]): { foreign: ForeignLayer[]; own: Descriptor[] } {
  const foreign = ({ mediaType, urls }: Listed): boolean => !isManifestType(mediaType) && (urls || isForeignType(mediaType));
  return {
    foreign: listed.filter(foreign).map(({ urls, ...descriptor }) => ({ ...descriptor, elsewhere: urls })),
    own: listed.filter((entry) => !foreign(entry)).map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  };
}

/**
 * Parses a manifest's JSON object.
 * @throws {TwinportError} INVALID
 */
export function parseBody(manifest: Pick<Manifest, 'digest' | 'bytes'>): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(manifest.bytes));
  } catch (cause) {
    throw new TwinportError('INVALID', `manifest ${manifest.digest} is not JSON`, { cause });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new TwinportError('INVALID', `manifest ${manifest.digest} is not a JSON object`);
  }
  return body as Record<string, unknown>;
}

interface Listed extends Descriptor {
  readonly urls: boolean;
}

function readList(value: unknown, owner: Digest, field: string): Listed[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TwinportError('INVALID', `manifest ${owner}: ${field} is no list`);
  return value.map((entry, at) => {
    const { urls } = (entry ?? {}) as { urls?: unknown };
    return { ...readDescriptor(entry, owner, `${field}[${at}]`), urls: Array.isArray(urls) && urls.length > 0 };
  });
}

function readDescriptor(value: unknown, owner: Digest, field: string): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  refuseAlike(value ?? {}, BYTES_FIELDS, owner, `${field}, `);
  if (!isDigest(digest)) throw new TwinportError('INVALID', `manifest ${owner}: ${field} has no usable digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new TwinportError('INVALID', `manifest ${owner}: ${field} (${digest}) has no usable size`);
  }
  return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size };
}
