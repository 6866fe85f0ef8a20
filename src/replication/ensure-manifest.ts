import type { Manifest } from '../model/manifest.ts';
import { isRegistryError } from '../registry/errors.ts';
import { sameManifest } from '../registry/manifest-digest.ts';
import { getManifest, putManifest } from '../registry/manifests.ts';
import { pause } from '../registry/transport/pause.ts';
import { manifestNotKept } from './difference.ts';
import { explainRefusal, isRare } from './explain-refusal.ts';
import type { Route } from './site.ts';

/** A 500 may be passing: of a format that is refused with one, it is believed the second time. */
const ASKED_AGAIN_MS = 300;

/**
 * Makes the secondary hold a manifest under a tag or digest, byte for byte and with its type, and reads it back.
 * @returns whether it had to be put
 * @throws {RegistryError} of the secondary; {TwinportError} UNSUPPORTED (a format that it does not take), DIGEST_MISMATCH (it gives back something else)
 */
export async function ensureManifest(route: Route, reference: string, manifest: Manifest): Promise<boolean> {
  if (await holdsManifest(route, reference, manifest)) return false;
  await putAndRead(route, reference, manifest);
  return true;
}

/** Puts a manifest under a tag or digest, whatever is there, unless it is too late for that, and reads it back. @throws as `ensureManifest`, and LATE */
export async function putAndRead(route: Route, reference: string, manifest: Manifest, sendBy?: number): Promise<void> {
  await putExplained(route, reference, manifest, sendBy);
  if (!(await holdsManifest(route, reference, manifest))) throw await manifestNotKept(route, reference, manifest);
}

/** Reads a manifest at the secondary and compares bytes and type. */
export async function holdsManifest({ site, target, signal }: Route, reference: string, manifest: Manifest): Promise<boolean> {
  try {
    const held = await getManifest(site.secondary, target, reference, signal);
    return held !== undefined && sameManifest(held, manifest);
  } catch (thrown) {
    // Bytes that are not what their name says: what is put in their stead may be kept.
    if (isRegistryError(thrown) && thrown.code === 'DIGEST_MISMATCH') return false;
    throw thrown;
  }
}

async function putExplained(route: Route, reference: string, manifest: Manifest, sendBy?: number): Promise<void> {
  const { site, target, signal } = route;
  const put = (): Promise<unknown> => putManifest(site.secondary, target, reference, manifest, signal, sendBy);
  try {
    await put().catch(async (thrown: unknown) => {
      if (!isRegistryError(thrown) || thrown.status !== 500 || !isRare(manifest)) throw thrown;
      await pause(ASKED_AGAIN_MS, signal);
      await put();
    });
  } catch (thrown) {
    throw await explainRefusal(route, manifest, thrown);
  }
}
