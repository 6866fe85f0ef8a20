import type { HostLimiter } from './limiter.ts';
import { isStreamed, type StreamedBody } from './request.ts';

/** A streamed request body under our eyes. */
export interface OutgoingBody {
  readonly body: StreamedBody;
  /** Lets go of the source, however the request ended. */
  finish(): void;
  /** What the source itself threw: to be reported instead of the broken request. */
  readonly failure: { readonly thrown: unknown } | undefined;
}

export interface OutgoingOptions {
  readonly limiter: HostLimiter;
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The connection stands and takes the body. */
  onStart(): void;
  onBytes(bytes: number): void;
  /** The other end has taken nothing for `stallMs`. */
  onStall(): void;
}

/**
 * Watches a streamed body: counts it, slows it to the host's rate, and notices when the other end takes no more. (The HTTP client's own
 * timeout cannot: it must also allow for the time that the registry takes to digest a large blob.)
 */
export function watchOutgoing(source: StreamedBody, options: OutgoingOptions): OutgoingBody {
  const iterator = source[Symbol.asyncIterator]();
  let failure: { thrown: unknown } | undefined;
  let done = false;
  let timer: NodeJS.Timeout | undefined;

  async function* body(): AsyncGenerator<Uint8Array> {
    options.onStart();
    for (;;) {
      const chunk = await next();
      if (chunk === undefined) return;
      await options.limiter.spend(chunk.length, options.signal);
      timer = setTimeout(options.onStall, options.stallMs);
      try {
        yield chunk;
      } finally {
        clearTimeout(timer);
      }
      options.onBytes(chunk.length);
    }
  }
  async function next(): Promise<Uint8Array | undefined> {
    try {
      const step = await iterator.next();
      done = step.done === true;
      return step.done ? undefined : step.value;
    } catch (thrown) {
      done = true;
      failure = { thrown };
      throw thrown;
    }
  }
  return {
    body: body(),
    get failure() {
      return failure;
    },
    finish() {
      clearTimeout(timer);
      if (done) return;
      done = true;
      close(iterator);
    },
  };
}

/** Lets go of a body that will not be sent: behind it there may be a connection. */
export function abandon(body: Uint8Array | StreamedBody | undefined): void {
  if (isStreamed(body)) close(body[Symbol.asyncIterator]());
}

/** Not awaited: a source that hangs must not hold up the failure. What it throws on closing has no reader any more. */
function close(iterator: AsyncIterator<Uint8Array>): void {
  void Promise.resolve(iterator.return?.()).catch(() => undefined);
}
