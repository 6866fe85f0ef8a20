import type { Readable } from 'node:stream';
import type { ResponseStream } from './request.ts';

/** A body that was larger than what can be meant. */
export interface BoundedBody {
  readonly bytes: Uint8Array;
  readonly complete: boolean;
}

/** Reads a body whole, or its first `maxBytes`; then the connection is closed. */
export async function readBounded(body: Readable, maxBytes: number, onBytes: (bytes: number) => void): Promise<BoundedBody> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    onBytes(chunk.length);
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop destroys the body.
    if (size > maxBytes) return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), complete: false };
  }
  return { bytes: Buffer.concat(chunks), complete: true };
}

/** What an error answer said, as far as it can be had: never a failure of its own, never a long wait. */
export async function readErrorText(body: Readable, onBytes: (bytes: number) => void): Promise<string> {
  const timer = setTimeout(() => body.destroy(), ERROR_MS);
  try {
    const { bytes } = await readBounded(body, MAX_ERROR_BYTES, onBytes);
    return new TextDecoder().decode(bytes);
  } catch {
    return ''; // the status alone says enough; Distribution 2.8 cuts the body of a 416
  } finally {
    clearTimeout(timer);
  }
}

const MAX_ERROR_BYTES = 64 * 1024;
const ERROR_MS = 5_000;

export interface IncomingOptions {
  onBytes(bytes: number): Promise<void>;
  /** Turns what the HTTP client throws into our error. */
  failed(thrown: unknown): unknown;
  /** Called once, however the reading ended. */
  onEnd(): void;
}

/** A body as a stream that counts, keeps the rate and speaks our errors. */
export function streamIncoming(body: Readable, options: IncomingOptions): ResponseStream {
  let ended = false;
  const end = (): void => {
    if (!ended) options.onEnd();
    ended = true;
  };
  body.once('close', end);
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        await options.onBytes(chunk.length);
        yield chunk;
      }
    } catch (thrown) {
      throw options.failed(thrown);
    } finally {
      end();
    }
  }
  return {
    [Symbol.asyncIterator]: read,
    cancel: () => {
      // The client reports the abort as an error of the body, which nobody reads any more.
      body.on('error', () => undefined);
      body.destroy();
    },
  };
}
