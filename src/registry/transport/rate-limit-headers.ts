import { headerOf } from './headers.ts';

/** What a host says of one of its limits. */
export interface RateLimit {
  /** Requests a window, where it is told. */
  readonly limit?: number;
  /** Requests that are left. */
  readonly remaining: number;
  /** Milliseconds until all of them are there again, where that is told. */
  readonly resetMs?: number;
  /** Length of the window in milliseconds, where that is told. */
  readonly windowMs?: number;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A reset beyond this many seconds is a time of day, not a span. */
const EPOCH_SECONDS = 1_000_000_000;
const LONGEST_MS = 24 * 3_600_000;

/**
 * Reads the limits that an answer tells, in each of the ways in use: `ratelimit-limit: 100;w=21600` (Docker Hub), `RateLimit-Limit`, `-Remaining` and
 * `-Reset` (GitLab, older drafts of the IETF), `RateLimit: "x";r=50;t=30` with `RateLimit-Policy` (newer drafts), `X-RateLimit-…` (GitHub).
 * @param now milliseconds since 1970
 * @see https://docs.docker.com/docker-hub/usage/pulls/
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function readRateLimits(headers: Headers, now: number = Date.now()): RateLimit[] {
  // Most hosts say nothing of limits, and each of their answers comes by here.
  if (!Object.keys(headers).some((name) => name.includes('rate'))) return [];
  const single = ['ratelimit-', 'x-ratelimit-', 'x-rate-limit-'].map((prefix) => readSeparate(headers, prefix, now));
  return [...single, ...readCombined(headers, now)].filter((limit) => limit !== undefined);
}

function readSeparate(headers: Headers, prefix: string, now: number): RateLimit | undefined {
  const remaining = itemsOf(headerOf(headers, `${prefix}remaining`))[0];
  if (remaining?.value === undefined) return undefined;
  const limits = itemsOf(headerOf(headers, `${prefix}limit`));
  const reset = wholeNumber(headerOf(headers, `${prefix}reset`));
  const window = remaining.params['w'] ?? limits.find(({ params }) => params['w'] !== undefined)?.params['w'];
  return limitOf({ limit: limits[0]?.value, remaining: remaining.value, reset, window }, now);
}

/** One header for all: `limit=100, remaining=50, reset=50` once, `"name";r=50;t=30` since. */
function readCombined(headers: Headers, now: number): (RateLimit | undefined)[] {
  const items = itemsOf(headerOf(headers, 'ratelimit'));
  const policies = itemsOf(headerOf(headers, 'ratelimit-policy'));
  const flat = Object.fromEntries(items.flatMap(({ name, value }) => (name !== undefined && value !== undefined ? [[name, value]] : [])));
  if (flat['remaining'] !== undefined) {
    const { limit, remaining, reset } = flat;
    return [limitOf({ limit, remaining, reset, window: policies[0]?.params['w'] }, now)];
  }
  return items.flatMap(({ name, params }) => {
    const policy = policies.find((one) => one.name === name)?.params;
    return params['r'] === undefined
      ? []
      : [limitOf({ limit: policy?.['q'], remaining: params['r'], reset: params['t'], window: policy?.['w'] }, now)];
  });
}

interface Told {
  readonly limit: number | undefined;
  readonly remaining: number;
  readonly reset: number | undefined;
  readonly window: number | undefined;
}

function limitOf({ limit, remaining, reset, window }: Told, now: number): RateLimit {
  const resetMs = reset === undefined ? undefined : reset >= EPOCH_SECONDS ? reset * 1_000 - now : reset * 1_000;
  return {
    remaining,
    ...(limit !== undefined && limit > 0 ? { limit } : {}),
    ...(resetMs === undefined ? {} : { resetMs: Math.min(LONGEST_MS, Math.max(0, resetMs)) }),
    ...(window !== undefined && window > 0 ? { windowMs: Math.min(LONGEST_MS, window * 1_000) } : {}),
  };
}

/** One member of a list: `100;w=60`, `limit=100` or `"name";r=50;t=30`. */
interface Item {
  readonly name?: string;
  readonly value?: number;
  readonly params: Readonly<Record<string, number>>;
}

function itemsOf(header: string | undefined): Item[] {
  return (header ?? '').split(',').flatMap((text): Item[] => {
    const [head = '', ...rest] = text.split(';').map((part) => part.trim());
    if (head === '') return [];
    const params = Object.fromEntries(rest.flatMap(pair));
    const value = wholeNumber(head);
    if (value !== undefined) return [{ value, params }];
    const [named] = pair(head);
    return [named ? { name: named[0], value: named[1], params } : { name: head.replace(/^"(.*)"$/, '$1'), params }];
  });
}

function pair(text: string): [string, number][] {
  const [name = '', value] = text.split('=', 2);
  const number = wholeNumber(value);
  return number === undefined ? [] : [[name.trim().toLowerCase(), number]];
}

function wholeNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^\d{1,15}(?:\.\d+)?$/.test(trimmed) ? Math.floor(Number(trimmed)) : undefined;
}
