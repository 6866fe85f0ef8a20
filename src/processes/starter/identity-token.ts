import { createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { failureOf } from '../../model/failure.ts';
import { RequestError } from './request-error.ts';

/** A sender does not wait for long. */
const KEYS_MS = 3_000;
const CLOCK_TOLERANCE_SECONDS = 30;
const RETRY_AFTER_SECONDS = 10;
/** What is wrong with the token, not with the keys. */
const NOT_THESE_KEYS: ReadonlySet<unknown> = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
]);

/** Whom a token must be of, and for whom. */
export interface ExpectedToken {
  readonly issuers: readonly string[];
  readonly audience: string;
  /** Of the account that the sender acts as; the issuer must have verified it. */
  readonly email: string;
  /** The URL of the issuer's public keys. */
  readonly keySet: string;
}

/**
 * Says whether a token is what is expected.
 * @throws {RequestError} 503 UNAVAILABLE (the issuer's keys cannot be read)
 */
export type TokenCheck = (token: string) => Promise<boolean>;

/** Makes the check of one sender; the issuer's keys are read when first needed, and kept for 10 minutes. */
export function createTokenCheck(expected: ExpectedToken): TokenCheck {
  const keys = keysOf(expected.keySet);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: [...expected.issuers],
        audience: expected.audience,
        // Not the token's choice: "none" and HMAC under a public key are the known ways to forge one.
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'email'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      return payload['email'] === expected.email && payload['email_verified'] === true;
    } catch (error) {
      if (error instanceof RequestError) throw error;
      return false;
    }
  };
}

/** An unknown key reads them anew, at most every 30 s: strangers must not make us a burden to the issuer. */
function keysOf(url: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: KEYS_MS });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (typeof error === 'object' && error !== null && 'code' in error && NOT_THESE_KEYS.has(error.code)) throw error;
      const why = failureOf(error).message;
      throw new RequestError(503, 'UNAVAILABLE', `the keys at ${url} cannot be read now (${why}); send this event again`, {
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    }
  };
}
