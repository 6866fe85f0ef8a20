import type { RegistryRequest } from '../transport/request.ts';
import type { Challenge } from './challenge.ts';

/** The part of a request that says what must be allowed. */
export type Need = Pick<RegistryRequest, 'repository' | 'scope' | 'pullFrom' | 'method' | 'path'>;

export interface AuthorizeOptions {
  /** The body can be sent only once: a token that may be refused soon will not do. */
  readonly fresh: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Finds the `Authorization` of requests to one registry. */
export interface Authorizer {
  /**
   * @returns the header's value, or `undefined` to send without
   * @throws {TwinportError} DENIED (these credentials are never for such a request)
   */
  authorize(need: Need, options: AuthorizeOptions): Promise<string | undefined>;
  /**
   * After a 401.
   * @param refused what was sent
   * @param url of the request: a realm may be relative to it
   * @returns another value to try once, or `undefined` if there is nothing better
   */
  renew(
    need: Need,
    refused: string | undefined,
    challenges: readonly Challenge[],
    url: URL,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** The registry accepted this value. */
  accepted?(header: string): void;
}
