/** What a request needs to be allowed to do; `any` needs no more than a valid token, `metadata` is for ACR's own lists. */
export type Scope = 'pull' | 'push' | 'delete' | 'metadata' | 'catalog' | 'any';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

export type StreamedBody = AsyncIterable<Uint8Array>;

/** A request to a registry's `/v2/`. */
export interface RegistryRequest {
  readonly method: Method;
  readonly repository?: string | undefined;
  /** Below `/v2/<repository>/`, or below `/v2/` without a repository; where `url` is given, only a name for messages. */
  readonly path: string;
  /** An upload's `Location` instead of `path`: absolute, opaque, not to be shown to anybody. */
  readonly url?: string;
  readonly query?: URLSearchParams | Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  /** `Content-Length` of a streamed body; without it the body is sent in chunks, whatever its length. */
  readonly length?: number | undefined;
  readonly scope: Scope;
  /** A second repository to pull from: a mount's source. */
  readonly pullFrom?: string;
  readonly signal?: AbortSignal | undefined;
  /** The statuses that the caller can use; any other is an error. */
  readonly accept: readonly number[];
  /** The caller reads (or cancels) `stream`; else the whole body is read into `bytes`. */
  readonly stream?: boolean;
  /** The most that `bytes` may hold; default 32 MiB. */
  readonly maxBytes?: number;
  /** When it is too late to send it, by `performance.now()`: what it rests on may no longer be so. */
  readonly sendBy?: number | undefined;
  /** How long the registry may think before it answers, in milliseconds, where that may be longer than a stall. */
  readonly answerMs?: number;
}

/** A body that is read once. Leaving the loop early, or `cancel`, closes the connection. */
export interface ResponseStream extends AsyncIterable<Uint8Array> {
  cancel(): void;
}

/** An answer with an accepted status. */
export interface RegistryResponse {
  readonly status: number;
  /** Where the answer came from, redirects included: what a relative `Location` is relative to. */
  readonly url: string;
  header(name: string): string | undefined;
  /** Whether a text of the answer holds the credentials that it was asked with: it may not be kept then. */
  echoes(text: string): boolean;
  /** The body; empty if a stream was asked for. */
  readonly bytes: Uint8Array;
  /** Only if a stream was asked for. */
  readonly stream?: ResponseStream;
}

/** Says whether a body can be sent only once. */
export function isStreamed(body: RegistryRequest['body']): body is StreamedBody {
  return body !== undefined && !(body instanceof Uint8Array) && Symbol.asyncIterator in body;
}

/** A request as an error or a log line names it: never with a query or an upload's location. */
export function describeRequest(request: Pick<RegistryRequest, 'method' | 'path' | 'repository'>): string {
  const subject = request.path === '' ? '/v2/' : request.path;
  return request.repository === undefined ? `${request.method} ${subject}` : `${request.method} ${subject} of ${request.repository}`;
}
