import type { z } from 'zod';
import { readJson } from '../../call-json.ts';
import { nextLink } from '../../links.ts';
import { registryCodes } from '../../refusal.ts';
import type { Session } from '../../session.ts';
import { listingError } from '../listing-error.ts';

/** The most that the API gives at once. */
const PAGE = 1_000;

/** Registries that were seen to have no metadata database, and with it no such API. */
const without = new WeakSet<Session>();

/** One page of a list of `/gitlab/v1/`. */
export interface MarkedPage<T> {
  readonly items: T[];
  /** What the next page begins behind; absent at the end. */
  readonly last?: string;
}

/** Whose list it is, and what must be allowed for it. */
export interface MarkedList {
  /** Below `/gitlab/v1/`, with a slash at the end. */
  readonly path: string;
  readonly repository: string;
  /** A second thing to be allowed to pull from: all below a base. */
  readonly pullFrom?: string;
}

/**
 * Reads one page of a list of the registry's own API, with the tokens of `/v2/`.
 * @returns `unknown`: the registry does not know the repository or namespace; `undefined`: it has no such API
 * @throws {RegistryError} LISTING (its marker does not move), DENIED, PROTOCOL, UNREACHABLE, …
 * @see https://gitlab.com/gitlab-org/container-registry/-/blob/v4.32.0-gitlab/docs/spec/gitlab/api.md
 */
export async function markedPage<T>(
  session: Session,
  list: MarkedList,
  item: z.ZodType<T[]>,
  after: string | undefined,
  signal?: AbortSignal,
): Promise<MarkedPage<T> | 'unknown' | undefined> {
  if (without.has(session)) return undefined;
  const request = {
    method: 'GET',
    url: `${session.endpoint.url.replace(/\/+$/, '')}/gitlab/v1/${list.path}`,
    path: `/gitlab/v1/${list.path}`,
    query: { n: String(PAGE), ...(after === undefined ? {} : { last: after }) },
    repository: list.repository,
    ...(list.pullFrom === undefined ? {} : { pullFrom: list.pullFrom }),
    scope: 'pull',
    signal,
    accept: [200, 404],
  } as const;
  const response = await session.send(request);
  if (response.status === 404) {
    if (registryCodes(new TextDecoder().decode(response.bytes)).includes('NAME_UNKNOWN')) return 'unknown';
    without.add(session);
    return undefined;
  }
  const items = readJson(session, request, response, item).body;
  const last = markerOf(response.header('link'), response.url);
  if (last === undefined) return { items };
  if (last === after || items.length === 0) throw listingError(session, request.path, 'its pages lead in a circle', list.repository);
  return { items, last };
}

/** Only the marker is used: behind a proxy the rest of the link may name another host, and our requests go nowhere but to the endpoint. */
function markerOf(header: string | undefined, from: string): string | undefined {
  const target = nextLink(header);
  return target !== undefined && URL.canParse(target, from) ? (new URL(target, from).searchParams.get('last') ?? undefined) : undefined;
}
