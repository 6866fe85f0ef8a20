import { isTwinportError, type FailureCode } from '../../model/failure.ts';

/** 0 done; 1 something is not replicated or not verified; 2 usage or configuration; 3 a dependency is unreachable. */
export type ExitCode = 0 | 1 | 2 | 3;

const EXIT: Readonly<Partial<Record<FailureCode, ExitCode>>> = {
  CONFIG: 2,
  CONFLICT: 2,
  INVALID: 2,
  NAME: 2,
  NOT_FOUND: 2,
  UNAUTHORIZED: 2,
  DENIED: 2,
  UNSUPPORTED: 2,
  TOO_LARGE: 2,
  UNREACHABLE: 3,
  UNAVAILABLE: 3,
  STALLED: 3,
  RATE_LIMITED: 3,
  TLS: 3,
  PROTOCOL: 3,
  LISTING: 3,
  LEDGER: 3,
};

/** What the process ends with after this was thrown. */
export function exitCodeOf(thrown: unknown): ExitCode {
  return isTwinportError(thrown) ? (EXIT[thrown.code] ?? 1) : 1;
}
