import { registryError, type Peer } from '../errors.ts';
import type { RegistryRequest } from './request.ts';
import type { WireAnswer } from './wire.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** More than this is a loop. */
export const MAX_REDIRECTS = 5;

/** Says whether an answer sends a reader elsewhere: to object storage, as a rule. */
export function isRedirect(request: RegistryRequest, answer: WireAnswer): boolean {
  return (
    (request.method === 'GET' || request.method === 'HEAD') && REDIRECTS.has(answer.status) && answer.headers['location'] !== undefined
  );
}

/**
 * Where a `Location` points, seen from the request that it answers.
 * @throws {RegistryError} PROTOCOL (not a URL, not http, or from https to http)
 */
export function resolveLocation(peer: Peer, request: RegistryRequest, location: string, from: URL): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (!to || (to.protocol !== 'https:' && to.protocol !== 'http:')) {
    throw registryError(peer, request, 'PROTOCOL', 'the Location of the answer is no http(s) URL');
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw registryError(
      peer,
      request,
      'PROTOCOL',
      `the Location of the answer leads from https to http (${to.host}); if a proxy ends TLS in front of the registry, it must pass X-Forwarded-Proto`,
    );
  }
  return to;
}
