import type { BasicAuth } from '../registry/endpoint.ts';

/** A registry's address, without credentials. */
export interface RegistryUrl {
  /** `http(s)://host[:port][/prefix]`, no slash at the end, no `/v2`. */
  readonly url: string;
  /** Taken out of `https://user:password@host`. */
  readonly auth?: BasicAuth;
}

/** What `parseRegistryUrl` takes. */
export const URL_WANTED =
  'the URL of a registry is needed, http(s)://host[:port][/prefix] or host:port, such as https://registry.example.com; a % in a password is written %25';

/**
 * Reads a registry's URL. Without a scheme, loopback hosts get http and all others https.
 * @returns `undefined` if it is none
 */
export function parseRegistryUrl(text: string): RegistryUrl | undefined {
  const url = parseUrl(text.trim());
  if (!url || url.hostname === '' || url.search !== '' || url.hash !== '') return undefined;
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/v2$/, '');
  const plain = `${url.protocol}//${url.host}${prefix}`;
  if (url.username === '' && url.password === '') return { url: plain };
  const username = decoded(url.username);
  const password = decoded(url.password);
  return username === undefined || password === undefined ? undefined : { url: plain, auth: { type: 'basic', username, password } };
}

/**
 * A user or password out of a URL.
 * @returns `undefined` where a `%` begins no escape: it may stand in a URL, and says nothing certain
 */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // told by the caller, without the text: it is a secret
  }
}

function parseUrl(text: string): URL | undefined {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined) return (scheme === 'http' || scheme === 'https') && URL.canParse(text) ? new URL(text) : undefined;
  if (!URL.canParse(`https://${text}`)) return undefined;
  const url = new URL(`https://${text}`);
  return isLoopback(url.hostname) ? new URL(`http://${text}`) : url;
}

/** Says whether a host name is this machine's own; brackets of IPv6 may be there. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** host:port of a URL, the port always told. */
export function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}
