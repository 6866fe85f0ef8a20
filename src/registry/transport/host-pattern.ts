/** Says whether a URL is at one of these hosts: `host` (any port), `host:port`, or `*.domain` for every name below it. */
export function isAtHost(url: URL, patterns: readonly string[]): boolean {
  const hostname = url.hostname.toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return patterns.some((pattern) => {
    const [, name = '', wanted] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
    if (wanted !== undefined && wanted !== port) return false;
    return name.startsWith('*.') ? hostname.endsWith(name.slice(1)) && hostname.length > name.length - 1 : name !== '' && hostname === name;
  });
}
