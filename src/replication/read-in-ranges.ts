import type { Descriptor } from '../model/descriptor.ts';
import { onAbort } from '../registry/transport/signals.ts';
import { PIECE_BYTES, type RangePlan } from './range-plan.ts';
import { RangesRefused, readUnbroken } from './read-unbroken.ts';
import type { Route } from './site.ts';

/** How long a number of ranges is watched before it is judged. */
const WATCH_MS = 400;

/**
 * The bytes of a blob at the primary from `offset` on, read in pieces, several at a time, and given in their order. So many are asked for at a time as the
 * site's plan says, and what they bring is measured. Ends before the blob does where one connection is as good, or the registry knows no ranges.
 * @param rate what one connection brought, in bytes a second; 0: not known, the plan is believed
 * @throws as `readUnbroken`
 */
export async function* readInRanges(route: Route, blob: Descriptor, offset: number, rate: number): AsyncGenerator<Uint8Array> {
  const { plan, primary } = route.site;
  const stop = new AbortController();
  const unlink = onAbort(route.signal, () => stop.abort(route.signal?.reason));
  if (route.signal?.aborted) stop.abort(route.signal.reason);
  const gauge = watch(plan, rate, stop.signal);
  const pieces: Piece[] = [];
  let next = offset;
  let fetching = 0;
  const start = (): void => {
    while (gauge.ranges > 1 && next < blob.size && fetching < gauge.ranges && pieces.length <= gauge.ranges) {
      if (pieces.length > 0 && !plan.take()) return;
      const end = Math.min(next + PIECE_BYTES, blob.size);
      const piece = fetchPiece(readUnbroken(route, blob, next, end, stop.signal), gauge.came);
      pieces.push(piece);
      fetching += 1;
      next = end;
      void piece.fetched.then(() => {
        fetching -= 1;
        start();
      });
    }
  };
  try {
    start();
    while (pieces[0]) {
      yield* pieces[0].chunks();
      pieces.shift();
      // The first of those that are left needs no place: what is next is read whatever else waits.
      if (pieces.length > 0) plan.give();
      start();
    }
  } catch (thrown) {
    if (!(thrown instanceof RangesRefused)) throw thrown;
    primary.capabilities.ranges = false;
    plan.settle(1);
  } finally {
    stop.abort();
    unlink();
    next = blob.size;
    for (let left = pieces.length; left > 1; left--) plan.give();
    await Promise.all(pieces.map(({ fetched }) => fetched));
  }
}

/** Bytes that are fetched whether or not they are asked for yet. */
interface Piece {
  chunks(): AsyncGenerator<Uint8Array>;
  /** Never rejects. */
  readonly fetched: Promise<void>;
}

function fetchPiece(source: AsyncIterable<Uint8Array>, came: Gauge['came']): Piece {
  const held: Uint8Array[] = [];
  let failed: { thrown: unknown } | undefined;
  let ended = false;
  let wake = (): void => undefined;
  const fetched = (async () => {
    let first = true;
    try {
      for await (const chunk of source) {
        came(chunk.length, first);
        first = false;
        held.push(chunk);
        wake();
      }
    } catch (thrown) {
      failed = { thrown };
    }
    ended = true;
    wake();
  })();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = held.shift();
      if (chunk) yield chunk;
      else if (failed) throw failed.thrown;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return { chunks, fetched };
}

interface Gauge {
  /** How many to read at a time now. */
  readonly ranges: number;
  /** @param first these are the first of a piece's bytes */
  came(bytes: number, first: boolean): void;
}

/** Counts what comes, and has the plan judge it. */
function watch(plan: RangePlan, rate: number, signal: AbortSignal): Gauge {
  // Where it is known what is best there is nothing to try.
  let before = rate;
  let ranges = rate > 0 ? plan.ranges * 2 : plan.ranges;
  let begun = 0;
  let since = 0;
  let bytes = 0;
  let slower = 0;
  const again = (): void => {
    since = performance.now();
    bytes = 0;
  };
  return {
    get ranges() {
      return ranges;
    },
    came(length, first) {
      if (signal.aborted || before === 0) return;
      if (first) begun += 1;
      // Connections take a while to be made: time counts from when all that were added bring something.
      if (begun <= ranges / 2) return again();
      bytes += length;
      const ms = performance.now() - since;
      if (ms < WATCH_MS || bytes < ranges * MINIMUM_BYTES) return;
      const now = (bytes / ms) * 1000;
      if (!plan.gains(now, before) && ++slower < LOOKS) return again();
      const tried = ranges;
      ranges = plan.tried(tried, now, before);
      before = ranges > tried ? now : 0;
      begun = slower = 0;
      again();
    },
  };
}

/** Less says nothing about how fast a connection is. */
const MINIMUM_BYTES = 256 * 1024;
/** A machine that is busy with something else may measure too little once. */
const LOOKS = 2;
