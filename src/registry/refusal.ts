import type { FailureCode } from '../model/failure.ts';
import { clockAheadMs } from './clock.ts';
import { registryError, type Peer, type RegistryError } from './errors.ts';
import type { RegistryRequest } from './transport/request.ts';

/** An answer with a status that the caller cannot use. */
export interface RefusedAnswer {
  readonly status: number;
  /** The body, or its first 64 KiB. */
  readonly text: string;
  /** A challenge said `error="insufficient_scope"`. */
  readonly insufficientScope?: boolean;
  readonly retryAfterMs?: number | undefined;
  /** Its `Date`. */
  readonly date?: string | undefined;
}

interface RegistrySays {
  readonly codes: string[];
  readonly message: string;
}

const NO_SPACE =
  /no space left|ENOSPC|insufficient storage|quota (?:is |was |has been )?(?:exceeded|reached|full)|exceed\w*\b.{0,60}\bquota|disk quota/i;
const BODY_TOO_LARGE = /request body too large/i;
const MAX_TEXT = 200;
/** So much registries allow for. */
const CLOCK_MS = 60_000;

/**
 * Turns an answer into the error that it means.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function refusal(peer: Peer, request: RegistryRequest, answer: RefusedAnswer): RegistryError {
  const says = readErrors(answer.text);
  const code = codeOf(answer, says.codes, request);
  // Distribution says "unknown error", and in its details that its disk is full.
  const space = code === 'QUOTA' && !NO_SPACE.test(says.message) ? (NO_SPACE.exec(answer.text)?.[0] ?? '') : '';
  const message = [says.message, space].filter((part) => part !== '').join(': ');
  const words = [`answered ${answer.status}`, says.codes.join(' '), message && `(${message})`, clockOf(peer, answer)].filter(
    (word) => word !== '',
  );
  return registryError(peer, request, code, words.join(' '), {
    status: answer.status,
    codes: says.codes,
    retryAfterMs: answer.retryAfterMs,
  });
}

/** A registry does not say why it takes none of our tokens; where they are signed here, a wrong clock may well be the reason. */
function clockOf({ endpoint }: Peer, { status, date }: RefusedAnswer): string {
  const aheadMs = clockAheadMs(date);
  if (status !== 401 || endpoint.auth.type !== 'token-key' || !(Math.abs(aheadMs) > CLOCK_MS)) return '';
  const minutes = Math.round(aheadMs / 60_000);
  return `to a token that was made here, where the clock is ${Math.abs(minutes)} min ${minutes > 0 ? 'behind' : 'ahead of'} the registry’s`;
}

function codeOf(answer: RefusedAnswer, codes: readonly string[], request: RegistryRequest): FailureCode {
  const { status, text } = answer;
  const has = (code: string): boolean => codes.includes(code);
  if (status >= 500) return serverError(status, text, codes);
  switch (status) {
    case 401:
      return answer.insufficientScope ? 'DENIED' : 'UNAUTHORIZED';
    case 403:
    case 412:
      return NO_SPACE.test(text) ? 'QUOTA' : status === 403 ? 'DENIED' : 'INVALID';
    case 404:
      if (has('BLOB_UPLOAD_UNKNOWN') || has('BLOB_UPLOAD_INVALID')) return 'UPLOAD_LOST';
      return has('MANIFEST_BLOB_UNKNOWN') ? 'BLOB_UNKNOWN' : 'NOT_FOUND';
    case 405:
      return 'UNSUPPORTED';
    case 408:
    case 425:
      return 'UNAVAILABLE';
    case 413:
      return NO_SPACE.test(text) ? 'QUOTA' : 'TOO_LARGE';
    case 416:
      return request.method === 'GET' ? 'SIZE_MISMATCH' : 'UPLOAD_LOST';
    case 429:
      return 'RATE_LIMITED';
  }
  if (status < 400) return 'PROTOCOL';
  if (has('MANIFEST_BLOB_UNKNOWN')) return 'BLOB_UNKNOWN';
  return BODY_TOO_LARGE.test(text) ? 'TOO_LARGE' : 'INVALID';
}

function serverError(status: number, text: string, codes: readonly string[]): FailureCode {
  if (status === 507 || NO_SPACE.test(text)) return 'QUOTA';
  // Distribution answers 500 to manifests that it never takes (foreign layers, schema 1): no retry can help.
  if (codes.includes('MANIFEST_BLOB_UNKNOWN') || codes.includes('MANIFEST_INVALID')) return 'INVALID';
  return status === 501 || status === 505 ? 'UNSUPPORTED' : 'UNAVAILABLE';
}

/** The registry's own codes in the body of a refusal; none if it is not of the specified form. */
export function registryCodes(text: string): string[] {
  return readErrors(text).codes;
}

/** Reads `{"errors":[{code,message,detail}]}`; anything else counts as text, of which the first line is kept. */
function readErrors(text: string): RegistrySays {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Plain text or HTML, of a proxy or a router: there are no codes in it.
    return { codes: [], message: text.trimStart().startsWith('<') ? '' : tidy(text.split('\n', 1)[0] ?? '') };
  }
  const errors = (body as { errors?: unknown } | null)?.errors;
  if (!Array.isArray(errors)) return { codes: [], message: tidy(plainMessage(body)) };
  const entries = errors.filter((entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null);
  const codes = entries
    .map((entry) => entry['code'])
    .filter((code): code is string => typeof code === 'string' && /^[\w.-]{1,64}$/.test(code));
  const first = entries[0];
  return {
    codes: [...new Set(codes)],
    message: first ? tidy([first['message'], digestsIn(first['detail'])].filter(Boolean).join(' ')) : '',
  };
}

/** What the clouds' own APIs write, which know no list of errors. */
function plainMessage(body: unknown): string {
  const { message, detail, error_message: words } = (body ?? {}) as Record<string, unknown>;
  return [message, detail, words].find((text): text is string => typeof text === 'string') ?? '';
}

function digestsIn(detail: unknown): string {
  return /sha(?:256|512):[a-f0-9]{64,128}/.exec(JSON.stringify(detail) ?? '')?.[0] ?? '';
}

/** One short line that shows no query: signed URLs and tokens travel there. */
function tidy(text: string): string {
  const line = text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replace(/(https?:\/\/[^\s"'?]+)\?[^\s"']*/gi, '$1')
    .replace(/\/\/[^\s/@"']+@/g, '//')
    .trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}
