import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Descriptor } from '../model/descriptor.ts';
import { algorithmOf } from '../model/digest.ts';
import { isTwinportError, TwinportError } from '../model/failure.ts';
import { readBlob } from '../registry/blobs.ts';
import type { Route } from './site.ts';

/** Broken connections in a row that brought no byte. */
const MAX_BREAKS = 5;
const FIRST_PAUSE_MS = 100;

/**
 * A blob of the primary as one unbroken stream from `offset` on: a cut connection is mended by a Range request, so that the upload at
 * the other end never notices. The length is checked always, the digest where the stream began at 0 (else the secondary checks it).
 * @throws {TwinportError} DIGEST_MISMATCH, SIZE_MISMATCH, or the registry's error once five breaks in a row brought nothing
 */
export async function* sourceStream(route: Route, blob: Descriptor, offset: number): AsyncGenerator<Uint8Array> {
  const hash = offset === 0 ? createHash(algorithmOf(blob.digest)) : undefined;
  let at = offset;
  let breaks = 0;
  while (at < blob.size) {
    const before = at;
    try {
      const { stream, size } = await readBlob(route.site.primary, route.repository, blob.digest, {
        offset: at,
        ...(route.signal ? { signal: route.signal } : {}),
      });
      if (size !== blob.size) throw wrongSize(blob, size);
      for await (const chunk of stream) {
        at += chunk.length;
        if (at > blob.size) throw wrongSize(blob, at);
        hash?.update(chunk);
        // The last bytes are only let go once the whole is known to be right: a registry that does not check would keep rubbish.
        if (at === blob.size) checkDigest(blob, hash?.digest('hex'));
        yield chunk;
      }
    } catch (thrown) {
      if (!mendable(thrown)) throw thrown;
      breaks = at > before ? 1 : breaks + 1;
      if (breaks >= MAX_BREAKS) throw thrown;
      await sleep(FIRST_PAUSE_MS * 2 ** (breaks - 1), undefined, route.signal ? { signal: route.signal } : {});
      continue;
    }
    if (at < blob.size && at === before && ++breaks >= MAX_BREAKS) throw wrongSize(blob, at);
  }
}

function mendable(thrown: unknown): boolean {
  return isTwinportError(thrown) && ['UNREACHABLE', 'STALLED', 'UNAVAILABLE'].includes(thrown.code);
}

function wrongSize(blob: Descriptor, found: number): TwinportError {
  return new TwinportError('SIZE_MISMATCH', `the primary serves ${found} bytes for blob ${blob.digest}, its descriptor says ${blob.size}`);
}

function checkDigest(blob: Descriptor, hex: string | undefined): void {
  if (hex !== undefined && !blob.digest.endsWith(`:${hex}`)) {
    throw new TwinportError('DIGEST_MISMATCH', `the primary serves bytes for blob ${blob.digest} that hash to ${hex}`);
  }
}
