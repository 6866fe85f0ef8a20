import { decoded } from './registry-url.ts';

/**
 * Reads the URL of a PostgreSQL as its driver does; it may be without a host, where its query names a socket.
 * @returns `undefined` if it is none: the driver would say so with the password in its error
 */
export function parseLedgerUrl(text: string): URL | undefined {
  if (!/^postgres(?:ql)?:\/\/./.test(text)) return undefined;
  const whole = URL.canParse(text) ? text : text.replace('@/', '@socket/');
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  return decoded(url.username) === undefined || decoded(url.password) === undefined ? undefined : url;
}
