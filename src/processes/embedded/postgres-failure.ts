import { TwinportError } from '../../model/failure.ts';

/** Says that the embedded server is not there, and why. */
export function startFailure(message: string, cause?: unknown): TwinportError {
  return new TwinportError('LEDGER', `the embedded PostgreSQL did not start: ${message}`, { cause, retry: 'later' });
}
