import type { Digest } from '../model/digest.ts';
import { isTwinportError } from '../model/failure.ts';
import type { Manifest } from '../model/manifest.ts';
import { undoneTag } from '../model/reference.ts';
import { getManifest, headManifest } from '../registry/manifests.ts';
import { readPlaceholder } from '../registry/placeholder.ts';
import { keep } from './keep.ts';
import type { Route } from './site.ts';

/** A tag that is replaced is replaced, whatever becomes of what it stood for: so it must be at the primary. */
export async function keepLost(route: Route, { digest, manifest }: Held): Promise<{ unkept?: string }> {
  if (manifest && readPlaceholder(manifest)) return {};
  const unkept = await keep(route, digest, manifest);
  return unkept === undefined ? {} : { unkept };
}

const UNREADABLE: ReadonlySet<string> = new Set(['UNSUPPORTED', 'INVALID', 'DIGEST_MISMATCH']);

/** What a tag of the secondary stands for; of what is no manifest that we can read, its digest alone. */
export interface Held {
  readonly digest: Digest;
  readonly manifest?: Manifest;
}

/** What a tag of the secondary stands for; of something that is no manifest that we can read, its digest alone: it is overwritten like any other. */
export async function heldAt({ site, target, signal }: Route, tag: string): Promise<Held | undefined> {
  try {
    const manifest = await getManifest(site.secondary, target, tag, signal);
    return manifest && { digest: manifest.digest, manifest };
  } catch (thrown) {
    if (!isTwinportError(thrown) || !UNREADABLE.has(thrown.code)) throw thrown;
    return headManifest(site.secondary, target, tag, signal);
  }
}

/** Whether a person set a tag of the secondary back to what it stands for now. */
export async function isSetBack({ site, target, signal }: Route, tag: string, digest: Digest): Promise<boolean> {
  return (await headManifest(site.secondary, target, undoneTag(tag), signal))?.digest === digest;
}
