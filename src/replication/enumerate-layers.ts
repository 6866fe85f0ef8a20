import type { Descriptor } from '../model/descriptor.ts';
import { failureOf } from '../model/failure.ts';
import type { Depth } from '../model/policy.ts';
import type { EnumerateLayersResult, TagFailure, TaggedImage } from '../model/steps.ts';
import { count, formatBytes } from '../model/text.ts';
import { totalBytes } from '../model/descriptor.ts';
import { manifestOf, readClosure } from './closure.ts';
import { concurrently } from './concurrently.ts';
import { holdsBlob } from './holds-blob.ts';
import type { Route } from './site.ts';

/** More than this would outgrow a payload. */
const MAX_LACKING = 5_000;
const PROOFS = 32;
/** Sending so much costs hardly more than asking for it. */
const UNASKED_BYTES = 64 * 1024;
const DEEP_READS = 4;

/**
 * Finds the blobs that the secondary lacks. A blob counts as present only if its last byte was read (`shallow`) or all of it hashes to
 * its digest (`deep`): a HEAD, a mount and a manifest PUT all succeed on a blob whose bytes are gone.
 */
export async function enumerateLayers(
  route: Route,
  images: readonly TaggedImage[],
  depth: Depth,
  alive: () => void = () => undefined,
): Promise<EnumerateLayersResult> {
  const failures: TagFailure[] = [];
  const wanted = new Map<string, Descriptor>();
  const users = new Map<string, string[]>();
  const leftOut = new Set<string>();
  await concurrently(images, 8, async (image) => {
    try {
      const closure = await readClosure(route, await manifestOf(route, image.digest));
      for (const blob of closure.blobs) {
        wanted.set(blob.digest, blob);
        if (image.tag !== undefined) users.set(blob.digest, [...(users.get(blob.digest) ?? []), image.tag]);
      }
      for (const layer of closure.leftOut) leftOut.add(layer.digest);
    } catch (thrown) {
      // A worker that stops must not pass for an image that failed.
      route.signal?.throwIfAborted();
      failures.push({ ...image, failure: failureOf(thrown) });
    }
  });
  const { homes } = route.site;
  const unknown = homes.takeUnknown(route.target);
  const lacking: Descriptor[] = [];
  let present = 0;
  await concurrently([...wanted.values()], depth === 'deep' ? DEEP_READS : PROOFS, async (blob) => {
    if (lacking.length >= MAX_LACKING) return;
    alive();
    // A repository that was not there has none. It may have blobs and no tag, of a copy that broke off: what is large is worth the question.
    if (unknown && blob.size <= UNASKED_BYTES && !homes.has(blob.digest, route.target)) lacking.push(blob);
    else if (await holdsBlob(route, blob, depth)) present += 1;
    else lacking.push(blob);
  });
  const more = lacking.length >= MAX_LACKING;
  const parts = [
    `lacks ${count(lacking.length, 'blob')}${more ? ' and more' : ''} (${formatBytes(totalBytes(lacking))})`,
    `${present} present`,
  ];
  if (leftOut.size > 0) {
    const why = route.foreignLayers === 'skip' ? 'foreignLayers: skip' : 'the primary has no bytes of them';
    parts.push(`${count(leftOut.size, 'foreign layer')} left out (${why})`);
  }
  const summary = parts.join(', ');
  const incomplete = [...new Set(lacking.flatMap((blob) => users.get(blob.digest) ?? []))];
  return { summary, lacking, incomplete, present, more, failures };
}
