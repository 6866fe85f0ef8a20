import { createHash } from 'node:crypto';
import { LARGE_BLOB_BYTES } from '../model/batches.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { algorithmOf } from '../model/digest.ts';
import { TwinportError } from '../model/failure.ts';
import { readInRanges } from './read-in-ranges.ts';
import { readUnbroken, wrongSize } from './read-unbroken.ts';
import { PIECE_BYTES } from './range-plan.ts';
import type { Route } from './site.ts';

/** After so many bytes it is said how fast one connection is. */
const WATCHED_BYTES = 2 * PIECE_BYTES;
/** A source that is waited for less than so much of the time is not what holds a copy up. */
const WAITS = 0.5;

/**
 * A blob of the primary as one unbroken stream from `offset` on: a cut connection is mended by a Range request, so that the upload at
 * the other end never notices. Of a large blob several ranges are read at a time, where that measures faster. The length is checked always, the digest
 * where the stream began at 0 (else the secondary checks it).
 * @throws {TwinportError} DIGEST_MISMATCH, SIZE_MISMATCH, or the registry's error once five breaks in a row brought nothing
 */
export async function* sourceStream(route: Route, blob: Descriptor, offset: number): AsyncGenerator<Uint8Array> {
  const hash = offset === 0 ? createHash(algorithmOf(blob.digest)) : undefined;
  const { plan } = route.site;
  let at = offset;
  /** With one connection, where others are to be tried. */
  let rate: number | undefined;
  const splits = (): boolean => blob.size - at > LARGE_BLOB_BYTES / 2 && plan.share(plan.active) > 1;
  const slow = (bytesPerSecond: number): boolean => {
    if (!splits()) return false;
    rate = plan.due ? bytesPerSecond : undefined;
    return plan.due || plan.ranges > 1;
  };
  while (at < blob.size) {
    const inRanges = splits() && (plan.due ? rate !== undefined : plan.ranges > 1);
    const source = inRanges ? readInRanges(route, blob, at, plan.due ? rate : undefined) : readAlone(route, blob, at, slow);
    rate = undefined;
    for await (const chunk of source) {
      at += chunk.length;
      if (at > blob.size) throw wrongSize(blob, at);
      hash?.update(chunk);
      // The last bytes are only let go once the whole is known to be right: a registry that does not check would keep rubbish.
      if (at === blob.size) checkDigest(blob, hash?.digest('hex'));
      yield chunk;
    }
  }
}

/**
 * Reads with one connection, and stops where others are to be tried.
 * @param slow told now and then how many bytes a second come from the primary, if it is what the copy waits for; says whether to stop
 */
async function* readAlone(route: Route, blob: Descriptor, offset: number, slow: (rate: number) => boolean): AsyncGenerator<Uint8Array> {
  const { plan } = route.site;
  let since = { at: performance.now(), bytes: plan.bytes };
  let asked = since.at;
  let waited = 0;
  let own = 0;
  for await (const chunk of readUnbroken(route, blob, offset, blob.size)) {
    waited += performance.now() - asked;
    own += chunk.length;
    plan.came(chunk.length);
    yield chunk;
    asked = performance.now();
    if (own < WATCHED_BYTES) continue;
    const ms = asked - since.at;
    if (waited > WAITS * ms && slow(((plan.bytes - since.bytes) / ms) * 1000)) return;
    since = { at: asked, bytes: plan.bytes };
    waited = own = 0;
  }
}

function checkDigest(blob: Descriptor, hex: string | undefined): void {
  if (hex !== undefined && !blob.digest.endsWith(`:${hex}`)) {
    throw new TwinportError('DIGEST_MISMATCH', `the primary serves bytes for blob ${blob.digest} that hash to ${hex}`);
  }
}
