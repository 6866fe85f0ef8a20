import { createHash, randomUUID } from 'node:crypto';
import { isDigest, type Digest } from '../model/digest.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { Manifest } from '../model/manifest.ts';
import { OCI_MANIFEST } from '../model/media-types.ts';

const TYPE = 'application/vnd.twinport.placeholder.v1+json';
const TAG = 'io.twinport.placeholder.tag';
const WAS = 'io.twinport.placeholder.was';
const PADDING = 'io.twinport.placeholder.padding';

/** All placeholders have this size, in bytes, so that a HEAD tells what cannot be one. */
const SIZE = 1_536;

/** What a placeholder's config and layer are: `{}`. */
export const EMPTY = new TextEncoder().encode('{}');

/** The descriptor of `EMPTY`. @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor */
export const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  size: 2,
};

/** What a placeholder tells of itself. */
export interface Placeholder {
  /** The tag that it was put under. */
  readonly tag: string;
  /** What the tag stood for before. */
  readonly was: Digest;
}

/**
 * Makes the manifest that takes a tag's place for a moment where a registry deletes by digest only: no other tag can be on it, since no second
 * one is ever the same, and it says what it is, so that whoever finds it can end what was begun.
 */
export function placeholderFor({ tag, was }: Placeholder): Manifest {
  const annotations = {
    'org.opencontainers.image.description': 'Twinport is about to delete this tag',
    [TAG]: tag,
    [WAS]: was,
    'io.twinport.placeholder.id': randomUUID(),
  };
  const write = (padding: string): Uint8Array =>
    new TextEncoder().encode(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: TYPE,
        config: EMPTY_DESCRIPTOR,
        layers: [EMPTY_DESCRIPTOR],
        annotations: { ...annotations, [PADDING]: padding },
      }),
    );
  const bytes = write('.'.repeat(SIZE - write('').length));
  return { mediaType: OCI_MANIFEST, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length, bytes };
}

/** Says whether it is worth reading the manifest to see whether it is a placeholder. */
export function maybePlaceholder({ mediaType, size }: Descriptor): boolean {
  return mediaType === OCI_MANIFEST && size === SIZE;
}

/** What a manifest tells if it is a placeholder; `undefined` of any other. */
export function readPlaceholder(manifest: Manifest): Placeholder | undefined {
  if (!maybePlaceholder(manifest)) return undefined;
  const { artifactType, annotations } = parse(manifest.bytes);
  if (artifactType !== TYPE || typeof annotations !== 'object' || annotations === null) return undefined;
  const { [TAG]: tag, [WAS]: was } = annotations as Record<string, unknown>;
  return typeof tag === 'string' && isDigest(was) ? { tag, was } : undefined;
}

function parse(bytes: Uint8Array): { artifactType?: unknown; annotations?: unknown } {
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) ?? {}) as { artifactType?: unknown };
  } catch {
    return {}; // not JSON: somebody else's, whatever it is
  }
}
