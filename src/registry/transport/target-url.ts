import { registryError, type Peer } from '../errors.ts';
import { resolveLocation } from './redirects.ts';
import type { RegistryRequest } from './request.ts';

/** The root of the API, with a slash: without it registries redirect. */
export function apiRoot(endpointUrl: string): URL {
  return new URL(`${endpointUrl.replace(/\/+$/, '')}/v2/`);
}

/** `host:port` of an address, the port always there. */
export function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

/**
 * The URL of a request.
 * @throws {RegistryError} PROTOCOL (an upload's Location that must not be followed), INTERNAL (a path that leaves the repository)
 */
export function targetUrl(peer: Peer, request: RegistryRequest): URL {
  const root = rootOf(peer);
  const url = request.url === undefined ? new URL(root) : resolveLocation(peer, request, request.url, root);
  if (request.url === undefined) {
    const path = request.repository === undefined ? request.path : `${request.repository}/${request.path}`;
    url.pathname = root.pathname + path;
    // `..` in a name would be resolved away by the URL, or by a server that decodes `%2f..`, and ask somebody else's repository.
    if (url.pathname !== root.pathname + path || path.includes('%'))
      throw registryError(peer, request, 'NAME', 'the name does not fit into a URL as it is');
  }
  const query = request.query instanceof URLSearchParams ? [...request.query] : Object.entries(request.query ?? {});
  for (const [name, value] of query) appendQuery(url, name, value);
  return url;
}

/** Of each registry once: what is parsed for every request is felt where there are many small ones. */
export function rootOf(peer: Peer): URL {
  const known = roots.get(peer);
  if (known) return known;
  const root = apiRoot(peer.endpoint.url);
  roots.set(peer, root);
  return root;
}

const roots = new WeakMap<Peer, URL>();

/** Appends without touching what is there: an upload's `_state` is signed, and must stay as it was written. */
function appendQuery(url: URL, name: string, value: string): void {
  url.search += `${url.search === '' ? '?' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}
