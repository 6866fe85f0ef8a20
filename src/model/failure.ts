/** Why something failed, in one word that programs may compare. */
export type FailureCode =
  | 'UNREACHABLE' // no connection, reset, DNS, TLS handshake cut, host's probe failed
  | 'STALLED' // no byte for the stall timeout
  | 'UNAVAILABLE' // 5xx, or a 408/425
  | 'RATE_LIMITED' // 429
  | 'UNAUTHORIZED' // 401 with fresh credentials
  | 'DENIED' // 403, or 401 insufficient_scope
  | 'TLS' // a certificate that is not trusted, expired, or of another name
  | 'NOT_FOUND' // a 404 that the caller did not expect
  | 'UNSUPPORTED' // 405, or a format or feature that this side does not take
  | 'INVALID' // 400 and the like: the registry refuses these bytes or this name
  | 'TOO_LARGE' // 413, or a manifest above the registry's limit
  | 'QUOTA' // the registry is out of space or over quota
  | 'DIGEST_MISMATCH' // bytes that are not what their digest says
  | 'SIZE_MISMATCH' // fewer or more bytes than the descriptor says
  | 'BLOB_UNKNOWN' // the secondary lacks a blob or a child that a manifest needs
  | 'UPLOAD_LOST' // the upload session is gone
  | 'LATE' // not sent: what the request rests on was read too long ago
  | 'LISTING' // a listing that is truncated, looping or not a listing
  | 'PROTOCOL' // an answer that the specification does not allow
  | 'NAME' // a repository, tag or mapped name that the specification does not allow
  | 'CANCELLED' // stopped on request
  | 'LEDGER' // the ledger cannot be reached, or refused
  | 'CONFIG' // the configuration does not fit
  | 'CONFLICT' // another owner, process or epoch holds what was asked for
  | 'INTERNAL'; // our own defect

/** `now`: the same again may help at once; `later`: after a while, or after an operator's help; `never`: not these bytes with this registry. */
export type Retry = 'now' | 'later' | 'never';

/** What lies at one side is not what it should be, and is not mended by sending it again. */
export interface Difference {
  /** What differs: a blob's bytes, a manifest's, or what a tag names. */
  readonly what: 'blob' | 'manifest' | 'tag';
  readonly repository: string;
  /** The digest, or the tag, that was asked for. */
  readonly reference: string;
  readonly want: Content;
  /** Null: nothing is there. */
  readonly have: Content | null;
  /** What helps at a registry of this kind. */
  readonly remedy: string;
}

/** As far as it is known. */
export interface Content {
  readonly digest?: string;
  /** In bytes. */
  readonly size?: number;
}

/** A failure as it travels in payloads and lies in the ledger: no credentials, no bodies. */
export interface Failure {
  readonly code: FailureCode;
  /** One sentence for a person: what was asked of whom, and what was answered. */
  readonly message: string;
  readonly retry: Retry;
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly difference?: Difference;
}

const RETRY: Readonly<Record<FailureCode, Retry>> = {
  UNREACHABLE: 'now',
  STALLED: 'now',
  UNAVAILABLE: 'now',
  RATE_LIMITED: 'now',
  UNAUTHORIZED: 'later',
  DENIED: 'never',
  TLS: 'later',
  NOT_FOUND: 'later',
  UNSUPPORTED: 'never',
  INVALID: 'never',
  TOO_LARGE: 'never',
  QUOTA: 'never',
  DIGEST_MISMATCH: 'later',
  SIZE_MISMATCH: 'later',
  BLOB_UNKNOWN: 'now',
  UPLOAD_LOST: 'now',
  LATE: 'now',
  LISTING: 'later',
  PROTOCOL: 'later',
  NAME: 'never',
  CANCELLED: 'never',
  LEDGER: 'now',
  CONFIG: 'never',
  CONFLICT: 'never',
  INTERNAL: 'later',
};

/** What a retry can do about a failure of this code. */
export function retryOf(code: FailureCode): Retry {
  return RETRY[code];
}

/** The one error class of the program. */
export class TwinportError extends Error {
  override readonly name: string = 'TwinportError';
  readonly code: FailureCode;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly difference?: Difference;

  constructor(
    code: FailureCode,
    message: string,
    options: { cause?: unknown; retry?: Retry; retryAfterMs?: number | undefined; difference?: Difference | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? RETRY[code];
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options.difference !== undefined) this.difference = options.difference;
  }
}

/** Says whether something thrown is ours; by its shape, because `instanceof` fails across realms. */
export function isTwinportError(thrown: unknown): thrown is TwinportError {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown) || !('retry' in thrown)) return false;
  return Object.hasOwn(RETRY, thrown.code as FailureCode);
}

/** Turns anything thrown into a `Failure`; what is not ours becomes `INTERNAL`. */
export function failureOf(thrown: unknown): Failure {
  if (isTwinportError(thrown)) {
    const { code, message, retry, retryAfterMs, difference } = thrown;
    return { code, message, retry, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(difference ? { difference } : {}) };
  }
  const message = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? String(thrown.message) : String(thrown);
  return { code: 'INTERNAL', message, retry: RETRY.INTERNAL };
}
