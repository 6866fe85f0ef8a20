import type { Descriptor } from '../model/descriptor.ts';
import { followAbort } from '../registry/transport/signals.ts';
import { PIECE_BYTES, type RangePlan } from './range-plan.ts';
import { isMendable, readUnbroken } from './read-unbroken.ts';
import type { Route } from './site.ts';

/**
 * The bytes of a blob at the primary from `offset` on, read in pieces, several at a time, and given in their order. Ends before the blob does where one
 * connection is as good, where others need the memory, or where the registry does not send parts.
 * @param rate what came from the primary with one connection a blob, in bytes a second, for a trial; `undefined`: the plan is believed
 * @throws as `readUnbroken`
 */
export async function* readInRanges(route: Route, blob: Descriptor, offset: number, rate: number | undefined): AsyncGenerator<Uint8Array> {
  const { plan } = route.site;
  const leave = plan.join();
  const { controller: stop, unlink } = followAbort(route.signal);
  const trial = rate === undefined ? undefined : beginTrial(plan, rate);
  const pieces: Piece[] = [];
  let next = offset;
  let fetching = 0;
  const ranges = (): number => (trial || !plan.due ? Math.min(trial?.ranges ?? plan.ranges, plan.share(plan.active - 1)) : 1);
  const start = (): void => {
    while (!stop.signal.aborted && next < blob.size && ranges() > 1 && fetching < ranges() && pieces.length < ranges()) {
      const end = Math.min(next + PIECE_BYTES, blob.size);
      const piece = fetchPiece(readUnbroken(route, blob, next, end, stop.signal), (bytes, first) => {
        plan.came(bytes);
        trial?.came(first);
      });
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
      start();
    }
  } catch (thrown) {
    // Whatever a registry has against parts: the whole is asked for next, and says it if it is not about parts.
    if (route.signal?.aborted || isMendable(thrown)) throw thrown;
    trial?.end(1);
    plan.settle(1);
  } finally {
    stop.abort();
    unlink();
    leave();
    trial?.end();
    await Promise.all(pieces.map(({ fetched }) => fetched));
  }
}

/** Bytes that are fetched whether or not they are asked for yet. */
interface Piece {
  chunks(): AsyncGenerator<Uint8Array>;
  /** Never rejects. */
  readonly fetched: Promise<void>;
}

function fetchPiece(source: AsyncIterable<Uint8Array>, came: (bytes: number, first: boolean) => void): Piece {
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

/** A search for the number of ranges that is best. */
interface Trial {
  /** How many to read at a time now. */
  readonly ranges: number;
  /** Something came: the `first` of a piece, or more of it. */
  came(first: boolean): void;
  /** The plan keeps the number given, or what measured best, if anything was measured. */
  end(best?: number): void;
}

/** How long a number of ranges is watched before it is judged. */
const WATCH_MS = 400;
/** Less says nothing about how fast a connection is. */
const WATCH_BYTES = 256 * 1024;
/** Twice the connections must bring a quarter more at least: they cost requests and memory. */
const GAIN = 1.25;
/** A machine that is busy with something else may measure too little once. */
const LOOKS = 2;

function beginTrial(plan: RangePlan, rate: number): Trial {
  plan.begin();
  let best: number | undefined;
  let ranges = 2;
  let before = rate;
  let begun = 0;
  let slower = 0;
  let over = false;
  let since = { at: 0, bytes: 0 };
  const again = (): void => {
    since = { at: performance.now(), bytes: plan.bytes };
  };
  const end = (found = best): void => {
    if (over) return;
    over = true;
    ranges = found ?? 1;
    if (found === undefined) plan.giveUp();
    else plan.settle(found);
  };
  return {
    get ranges() {
      return ranges;
    },
    end,
    came(first) {
      if (over) return;
      if (first) begun += 1;
      // Connections take a while to be made: time counts from when all that were added bring something.
      if (begun <= ranges / 2) return again();
      // Others have joined, or the blob ends: of fewer ranges nothing can be said about more.
      if (ranges > plan.share(plan.active - 1)) return end();
      const ms = performance.now() - since.at;
      const bytes = plan.bytes - since.bytes;
      if (ms < WATCH_MS || bytes < ranges * WATCH_BYTES) return;
      const now = (bytes / ms) * 1000;
      if (now < GAIN * before) {
        slower += 1;
        return slower < LOOKS ? again() : end(best ?? 1);
      }
      best = ranges;
      before = now;
      begun = slower = 0;
      if (ranges * 2 > plan.share(plan.active - 1)) return end();
      ranges *= 2;
      again();
    },
  };
}
