import { headerOf } from './headers.ts';

/** Nobody is obeyed for longer: a wrong clock or a joke must not stop a site. */
const LONGEST_MS = 300_000;

/**
 * Reads `Retry-After`: seconds or an HTTP date.
 * @returns milliseconds from `now`, 0 … 5 minutes, or `undefined` if the header is absent or not understood
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_MS, Math.max(0, Math.ceil(ms)));
}

/**
 * The `Retry-After` of an answer. A date is counted from the answer's own `Date`: the other side's clock may be hours off ours.
 * @returns milliseconds from now, 0 … 5 minutes, or `undefined` if the header is absent or not understood
 */
export function retryAfterOf(headers: Readonly<Record<string, string | string[] | undefined>>): number | undefined {
  const said = Date.parse(headerOf(headers, 'date') ?? '');
  return retryAfterMs(headerOf(headers, 'retry-after'), Number.isNaN(said) ? Date.now() : said);
}
