import { registryError, type Peer } from './errors.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';

/**
 * Finds the `rel="next"` of `Link` headers.
 * @returns its target as written (relative or absolute), or `undefined`
 * @see https://www.rfc-editor.org/rfc/rfc8288#section-3
 */
export function nextLink(header: string | undefined): string | undefined {
  for (const [, target, params] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g)) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(params ?? '');
    if ((rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}

/**
 * The query of an answer's `rel="next"`; nothing else of it is used: behind a proxy the rest may name another scheme or host, and our requests go
 * nowhere but to the endpoint.
 * @throws {RegistryError} LISTING (the link is no URL, or has no query)
 */
export function nextQuery(
  peer: Peer,
  request: Pick<RegistryRequest, 'method' | 'path' | 'repository'>,
  response: Pick<RegistryResponse, 'header' | 'url'>,
): URLSearchParams | undefined {
  const target = nextLink(response.header('link'));
  if (target === undefined) return undefined;
  const query = URL.canParse(target, response.url) ? new URL(target, response.url).searchParams : new URLSearchParams();
  if ([...query].length > 0) return query;
  throw registryError(peer, request, 'LISTING', 'the list cannot be used: its link to the next page has no cursor');
}
