import type { FailureCode } from '../../model/failure.ts';
import { TwinportError } from '../../model/failure.ts';

/** A refusal of one HTTP request, with its status and the field that it is about. */
export class RequestError extends TwinportError {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: FailureCode, message: string, options: { path?: string; headers?: Record<string, string> } = {}) {
    super(code, message);
    this.status = status;
    this.headers = options.headers ?? {};
    if (options.path !== undefined) this.path = options.path;
  }
}

const STATUS: Readonly<Partial<Record<FailureCode, number>>> = {
  INVALID: 400,
  NAME: 400,
  CONFIG: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UNREACHABLE: 503,
  UNAVAILABLE: 503,
  STALLED: 503,
  LEDGER: 503,
};

/** The HTTP status that tells a client what kind of failure this is. */
export function statusOf(code: FailureCode): number {
  return STATUS[code] ?? 500;
}
