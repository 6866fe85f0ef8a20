import { setTimeout as sleep } from 'node:timers/promises';
import type { Descriptor } from '../model/descriptor.ts';
import { isTwinportError, TwinportError } from '../model/failure.ts';
import { readBlob } from '../registry/blobs.ts';
import type { Route } from './site.ts';

/** Broken connections in a row that brought no byte. */
const MAX_BREAKS = 5;
const FIRST_PAUSE_MS = 100;

/**
 * The bytes of a blob at the primary from `offset` to `end`: a cut connection is mended by asking for what is missing.
 * @throws {TwinportError} UNSUPPORTED where only a part is wanted, and the registry sends all; SIZE_MISMATCH, or the registry's error once five breaks in
 * a row brought nothing
 */
export async function* readUnbroken(
  route: Route,
  blob: Descriptor,
  offset: number,
  end: number,
  signal = route.signal,
): AsyncGenerator<Uint8Array> {
  const part = end < blob.size;
  let at = offset;
  let breaks = 0;
  while (at < end) {
    const before = at;
    try {
      const { stream, size, ranged, cancel } = await readBlob(route.site.primary, route.repository, blob.digest, {
        ...{ offset: at, signal },
        ...(part ? { end } : {}),
      });
      if (size !== blob.size || (part && !ranged)) {
        // A body that nobody reads would keep its connection for ever.
        cancel();
        throw size === blob.size ? new TwinportError('UNSUPPORTED', 'the primary sends no parts of blobs') : wrongSize(blob, size);
      }
      for await (const chunk of stream) {
        at += chunk.length;
        if (at > end) throw wrongSize(blob, at);
        yield chunk;
      }
    } catch (thrown) {
      if (!isMendable(thrown)) throw thrown;
      breaks = at > before ? 1 : breaks + 1;
      if (breaks >= MAX_BREAKS) throw thrown;
      await sleep(FIRST_PAUSE_MS * 2 ** (breaks - 1), undefined, signal ? { signal } : {});
      continue;
    }
    if (at < end && at === before && ++breaks >= MAX_BREAKS) throw wrongSize(blob, at);
  }
}

/** What is said of a blob that is not as long as its descriptor says. */
export function wrongSize(blob: Descriptor, found: number): TwinportError {
  return new TwinportError('SIZE_MISMATCH', `the primary serves ${found} bytes for blob ${blob.digest}, its descriptor says ${blob.size}`);
}

/** Whether the same request may be answered the next time. */
export function isMendable(thrown: unknown): boolean {
  return isTwinportError(thrown) && ['UNREACHABLE', 'STALLED', 'UNAVAILABLE'].includes(thrown.code);
}
