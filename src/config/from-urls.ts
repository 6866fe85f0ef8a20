import { createHash } from 'node:crypto';
import { hostAndPort, isLoopback, parseRegistryUrl } from './registry-url.ts';

/** What the command line says in place of a file. */
export interface UrlOptions {
  readonly primary?: string;
  readonly secondary?: string;
  readonly include?: readonly string[];
}

const MAX_NAME = 40;

/** The configuration file that two URLs stand for. */
export function rootFromUrls({ primary = '', secondary = '', include = [] }: UrlOptions): Record<string, unknown> {
  const repositories = include.length > 0 ? { repositories: { include } } : {};
  return { primary: { url: primary }, secondaries: [{ name: siteNameOf(secondary), url: secondary, ...repositories }] };
}

/** A site's name made of host and port: `127.0.0.1:5001` → `127-0-0-1-5001`; the scheme's own port is left out. */
export function siteNameOf(text: string): string {
  const url = parseRegistryUrl(text)?.url;
  // What is no URL is told of as such when the section is checked; this name only has to be a valid one.
  if (url === undefined) return 'unnamed';
  const host = isLoopback(new URL(url).hostname) ? hostAndPort(url) : new URL(url).host;
  const name = host
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  if (name.length <= MAX_NAME) return name;
  return `${name.slice(0, MAX_NAME - 9)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
