import { isTwinportError, TwinportError, type FailureCode } from '../../model/failure.ts';
import { redact } from '../../telemetry/index.ts';
import { nameOf, type Peer } from '../errors.ts';

const TIMEOUT_MS = 45_000;
const MAX_SAID = 400;
const NETWORK =
  /^(?:ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|UND_ERR)|^TimeoutError$/;
const INVALID = /^(?:InvalidParameterException|ValidationException|InvalidTagParameterException|KmsException)$/;
const THROTTLED = /^(?:Throttling|ThrottlingException|TooManyRequestsException|RequestLimitExceeded)$/;

/**
 * Waits for what a cloud gives by its SDK, credentials above all, and turns what its SDK throws into our error.
 * @param what is asked for: `the token of ECR (GetAuthorizationToken)`
 * @throws {TwinportError} UNAUTHORIZED (there are none, or they may not), INVALID, QUOTA, UNREACHABLE, UNAVAILABLE, RATE_LIMITED, STALLED
 */
export async function fromCloud<T>(peer: Peer, what: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let timer: NodeJS.Timeout | undefined;
  // Not every SDK heeds a signal.
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TwinportError('STALLED', `${nameOf(peer)}: ${what} gave nothing within ${TIMEOUT_MS / 1000} s`)),
      TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([ask(signal), late]);
  } catch (thrown) {
    if (isTwinportError(thrown)) throw thrown;
    throw new TwinportError(failureCode(thrown), `${nameOf(peer)}: ${what}: ${said(thrown)}`, { cause: thrown });
  } finally {
    clearTimeout(timer);
  }
}

interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly response?: { readonly status?: unknown } | null;
  readonly $metadata?: { readonly httpStatusCode?: unknown } | null;
}

function failureCode(thrown: unknown): FailureCode {
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as SdkError;
  const cause = error.cause as SdkError | undefined;
  const words = [error.name, error.code, cause?.code].map(String);
  if (words.some((word) => NETWORK.test(word))) return 'UNREACHABLE';
  const status = Number(error.$metadata?.httpStatusCode ?? error.response?.status ?? error.statusCode ?? error.status);
  if (status === 429 || words.some((word) => THROTTLED.test(word))) return 'RATE_LIMITED';
  if (words.some((word) => INVALID.test(word))) return 'INVALID';
  if (words.includes('LimitExceededException')) return 'QUOTA';
  return status >= 500 ? 'UNAVAILABLE' : 'UNAUTHORIZED';
}

/** What an SDK says, in one line that shows no query. */
function said(thrown: unknown): string {
  const { name, message } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as SdkError;
  const text = String(message ?? thrown)
    .replace(/\s*\n\s*/g, '; ')
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/(https?:\/\/[^\s"'?]+)\?[^\s"']*/gi, '$1');
  const named = typeof name === 'string' && name !== 'Error' ? `${name}: ${text}` : text;
  const shown = redact(named);
  return shown.length > MAX_SAID ? `${shown.slice(0, MAX_SAID)}…` : shown;
}
