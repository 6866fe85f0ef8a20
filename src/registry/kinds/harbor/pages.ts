import type { z } from 'zod';
import { callJson } from '../../call-json.ts';
import { nextLink } from '../../links.ts';
import type { Session } from '../../session.ts';
import { basicAuthorization } from '../api-authorization.ts';

/** The most that Harbor gives at once. */
const PAGE = 100;

/** Not there, or not for these credentials: robots may be allowed to pull and push, and no more. */
const CLOSED = [401, 403, 404];

/**
 * Reads one page of a list of Harbor's API.
 * @returns `undefined`: not for these credentials, or not there
 * @throws {RegistryError} PROTOCOL, UNREACHABLE, …
 * @see https://github.com/goharbor/harbor/blob/v2.13.0/api/v2.0/swagger.yaml
 */
export async function harborPage<T>(
  session: Session,
  path: string,
  query: Readonly<Record<string, string>>,
  item: z.ZodType<T[] | null>,
  page: number,
  signal?: AbortSignal,
): Promise<{ items: T[]; more: boolean } | undefined> {
  const request = {
    method: 'GET',
    path,
    query: { ...query, page: String(page), page_size: String(PAGE) },
    authorization: basicAuthorization(session),
    signal,
  } as const;
  const answer = await callJson(session, request, item, CLOSED);
  if (!answer) return undefined;
  const items = answer.body ?? [];
  const total = Number(answer.header('x-total-count') ?? Number.NaN);
  const more = Number.isSafeInteger(total) ? page * PAGE < total : nextLink(answer.header('link')) !== undefined || items.length === PAGE;
  return { items, more };
}
