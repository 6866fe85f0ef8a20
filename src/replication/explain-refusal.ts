import { algorithmOf } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import { linksOf, type Manifest, type ManifestLinks } from '../model/manifest.ts';
import { schema1Payload } from '../model/schema1.ts';
import { isIndexType, isManifestType, isSchema1Type, OCI_ARTIFACT } from '../model/media-types.ts';
import { isRegistryError, type RegistryError } from '../registry/errors.ts';
import { getManifest } from '../registry/manifests.ts';
import { concurrently } from './concurrently.ts';
import { contentOf } from './content.ts';
import { holdsBlob } from './holds-blob.ts';
import type { Route } from './site.ts';

/** A format that not every registry takes. */
interface RareFormat {
  readonly what: string;
  readonly helps: string;
  /** Its refusal may read as "content is missing", or be one that really means that. */
  readonly looksLikeLoss?: true;
}

/** Says whether a registry may well refuse this manifest for what it is. */
export function isRare(manifest: Manifest): boolean {
  return rareFormat(manifest, 'INVALID') !== undefined;
}

/**
 * Puts into words why a secondary does not take a manifest, where the reason is its format: then no retry helps, and an operator may know what does.
 * Registries themselves say "unknown error", or that content is missing which is there.
 * @returns the error to throw: what was thrown, if it is none of these
 */
export async function explainRefusal(route: Route, manifest: Manifest, thrown: unknown): Promise<unknown> {
  if (!isRegistryError(thrown) || thrown.side !== 'secondary' || !refuses(thrown)) return thrown;
  const format = rareFormat(manifest, thrown.code);
  if (!format) return thrown;
  if (format.looksLikeLoss && thrown.code !== 'UNSUPPORTED' && (await lacksContent(route, manifest))) return thrown;
  return new TwinportError('UNSUPPORTED', `the secondary does not take ${format.what}; ${format.helps} (${thrown.message})`, {
    cause: thrown,
  });
}

/** Distribution answers 500 `UNKNOWN` to formats that are switched off; it does so too when its storage is in trouble. */
function refuses({ code, status }: RegistryError): boolean {
  return code === 'INVALID' || code === 'UNSUPPORTED' || code === 'BLOB_UNKNOWN' || (code === 'UNAVAILABLE' && status === 500);
}

function rareFormat(manifest: Manifest, code: RegistryError['code']): RareFormat | undefined {
  const { mediaType, digest } = manifest;
  if (isSchema1Type(mediaType)) {
    const needs = schema1Payload(manifest.bytes) === manifest.bytes ? 'only if it is signed' : 'with compatibility.schema1.enabled';
    return {
      what: 'Docker schema 1',
      helps: `Distribution 2.8 takes it ${needs}, version 3 never: push the image again in a newer format`,
    };
  }
  if (algorithmOf(digest) === 'sha512') return { what: 'manifests by SHA-512', helps: 'push it to the primary by SHA-256' };
  if (mediaType === OCI_ARTIFACT) {
    return { what: 'OCI artifact manifests, a type that was withdrawn', helps: 'push it again as an OCI image with an artifactType' };
  }
  if (!isManifestType(mediaType)) {
    return { what: `manifests of type ${mediaType.slice(0, 100)}`, helps: 'only a registry that takes any type can hold it' };
  }
  return rareContent(linksOf(manifest), isIndexType(mediaType), code);
}

function rareContent(links: ManifestLinks, isIndex: boolean, code: RegistryError['code']): RareFormat | undefined {
  if (links.foreign.length > 0) {
    const wantsBytes = code === 'BLOB_UNKNOWN';
    const helps = wantsBytes
      ? 'foreignLayers: copy brings them, where the primary has them'
      : "Distribution takes it where validation.manifests.urls.allow matches the layers' URLs, a registry that wants their bytes with foreignLayers: copy";
    return { what: `an image with foreign layers${wantsBytes ? ' without their bytes' : ''}`, helps, looksLikeLoss: true };
  }
  if (isIndex && links.entries.length + links.blobs.length > 0) {
    const helps =
      'Distribution 3 takes it with validation.manifests.indexes.platforms: none; BuildKit writes another form with image-manifest=true';
    return { what: 'an index that lists blobs, as BuildKit’s older cache does', helps, looksLikeLoss: true };
  }
  return undefined;
}

/** Whether the secondary really lacks something that the manifest needs: a garbage collection may have run. */
async function lacksContent(route: Route, manifest: Manifest): Promise<boolean> {
  const { children, blobs } = await contentOf(route, manifest.digest, linksOf(manifest));
  const held = await concurrently(blobs, 8, (blob) => holdsBlob(route, blob, 'shallow'));
  if (held.includes(false)) return true;
  const { site, target, signal } = route;
  const found = await concurrently(
    children,
    8,
    async ({ digest }) => (await getManifest(site.secondary, target, digest, signal)) !== undefined,
  );
  return found.includes(false);
}
