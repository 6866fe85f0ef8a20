import type { Descriptor } from './descriptor.ts';
import { isDigest, type Digest } from './digest.ts';
import { TwinportError } from './failure.ts';
import { isIndexType, isManifestType, isSchema1Type, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';

/** A manifest as a registry served it: the bytes are never rewritten. */
export interface Manifest extends Descriptor {
  readonly bytes: Uint8Array;
}

/** What a manifest points at. */
export interface ManifestLinks {
  /** Entries of an index, in its order. */
  readonly children: readonly Descriptor[];
  /** Config and layers, in their order. */
  readonly blobs: readonly Descriptor[];
  /** The manifest that this one is a referrer of. */
  readonly subject?: Descriptor;
}

/**
 * Chooses a manifest's media type: the one served, or the one its body names where the server was vague.
 * @returns the type without parameters, or `undefined` if nothing tells
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#image-manifest-property-descriptions
 */
export function manifestMediaType(served: string | undefined, body: Record<string, unknown>): string | undefined {
  const type = served?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && isManifestType(type)) return type;
  const named = body['mediaType'];
  if (typeof named === 'string' && isManifestType(named)) return named;
  if (Array.isArray(body['manifests'])) return OCI_INDEX;
  if (Array.isArray(body['layers']) || typeof body['config'] === 'object') return OCI_MANIFEST;
  return undefined;
}

/**
 * Reads what a manifest points at.
 * @throws {TwinportError} INVALID (not JSON, a broken descriptor), UNSUPPORTED (schema 1, an index entry that is no manifest)
 */
export function linksOf(manifest: Pick<Manifest, 'mediaType' | 'digest' | 'bytes'>): ManifestLinks {
  if (isSchema1Type(manifest.mediaType)) {
    throw new TwinportError('UNSUPPORTED', `manifest ${manifest.digest} is Docker schema 1, which this version does not replicate`);
  }
  const body = parseBody(manifest);
  const subject =
    body['subject'] === undefined || body['subject'] === null
      ? {}
      : { subject: readDescriptor(body['subject'], manifest.digest, 'subject') };
  if (isIndexType(manifest.mediaType)) {
    const children = readList(body['manifests'], manifest.digest, 'manifests');
    const odd = children.find((child) => !isManifestType(child.mediaType));
    if (odd) {
      throw new TwinportError('UNSUPPORTED', `index ${manifest.digest} lists ${odd.digest} of type ${odd.mediaType}, which is no manifest`);
    }
    return { children, blobs: [], ...subject };
  }
  const config = body['config'] === undefined ? [] : [readDescriptor(body['config'], manifest.digest, 'config')];
  const layers = readList(body['layers'] ?? body['blobs'], manifest.digest, 'layers');
  return { children: [], blobs: [...config, ...layers], ...subject };
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

function readList(value: unknown, owner: Digest, field: string): Descriptor[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TwinportError('INVALID', `manifest ${owner}: ${field} is no list`);
  return value.map((entry, at) => readDescriptor(entry, owner, `${field}[${at}]`));
}

function readDescriptor(value: unknown, owner: Digest, field: string): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  if (!isDigest(digest)) throw new TwinportError('INVALID', `manifest ${owner}: ${field} has no usable digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new TwinportError('INVALID', `manifest ${owner}: ${field} (${digest}) has no usable size`);
  }
  return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size };
}
