import { createHash } from 'node:crypto';
import type { Descriptor } from '../model/descriptor.ts';
import { algorithmOf } from '../model/digest.ts';
import type { FailureCode } from '../model/failure.ts';
import type { Depth } from '../model/policy.ts';
import { proveBlob, readBlob } from '../registry/blobs.ts';
import { isRegistryError } from '../registry/errors.ts';
import type { Route } from './site.ts';

/** What a registry answers that has a blob's first and last byte, and not all between: sending the blob again is the safe answer. */
const BROKEN: ReadonlySet<FailureCode> = new Set(['UNREACHABLE', 'SIZE_MISMATCH', 'NOT_FOUND']);

/**
 * Says whether the secondary gives a blob back: its last byte was read (`shallow`), or all of it hashes to its digest (`deep`). A HEAD, a mount, an
 * upload and a manifest PUT all succeed on a blob whose bytes are gone or broken. Remembers the answer for mounts.
 * @throws {RegistryError} DENIED, UNAVAILABLE, UNREACHABLE, …: nothing is known then
 */
export async function holdsBlob(route: Route, blob: Descriptor, depth: Depth): Promise<boolean> {
  const { site, target, signal } = route;
  const held = (await proveBlob(site.secondary, target, blob, signal)) && (depth === 'shallow' || (await hashes(route, blob)));
  if (held) site.homes.add(blob.digest, target);
  else site.homes.forget(blob.digest, target);
  return held;
}

async function hashes(route: Route, blob: Descriptor): Promise<boolean> {
  const { site, target, signal } = route;
  const hash = createHash(algorithmOf(blob.digest));
  try {
    const { stream } = await readBlob(site.secondary, target, blob.digest, signal ? { signal } : {});
    for await (const chunk of stream) {
      hash.update(chunk);
      await site.deepReads?.spend(chunk.length, signal);
    }
  } catch (thrown) {
    if (isRegistryError(thrown) && BROKEN.has(thrown.code)) return false;
    throw thrown;
  }
  return `${algorithmOf(blob.digest)}:${hash.digest('hex')}` === blob.digest;
}
