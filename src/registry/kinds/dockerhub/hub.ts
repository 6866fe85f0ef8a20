import { z } from 'zod';
import { createTokenCache, type TokenCache } from '../../auth/token-cache.ts';
import { callJson } from '../../call-json.ts';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { ApiRequest } from '../../transport/call-api.ts';
import { tokenAuthorization, vendorLogin } from '../api-authorization.ts';

const BASE = 'https://hub.docker.com';
const HOST = /^(?:.+\.)?docker\.(?:io|com)$/;
const LOGIN = '/v2/auth/token';

/** Shorter than the token's life, which its documentation does not tell. */
const LIFE_MS = 5 * 60_000;

/** The most that the Hub gives at once. */
const PAGE = 100;

const TOKEN = z.looseObject({ access_token: z.string() });

const tokens = new WeakMap<Session, TokenCache>();

/**
 * Reads one page of a list of the Hub's API.
 * @returns `undefined` on 404
 * @throws {RegistryError} UNAUTHORIZED (the Hub does not take the login), DENIED, RATE_LIMITED, PROTOCOL, UNREACHABLE, …
 * @see https://docs.docker.com/reference/api/hub/latest/
 */
export async function hubPage<T>(
  session: Session,
  path: string,
  item: z.ZodType<T>,
  page: number,
  signal?: AbortSignal,
): Promise<{ items: T[]; more: boolean } | undefined> {
  const request: Omit<ApiRequest, 'accept'> = {
    method: 'GET',
    base: BASE,
    path,
    query: { page: String(page), page_size: String(PAGE) },
    authorization: await authorizationOf(session),
    signal,
  };
  const schema = z.looseObject({ next: z.string().nullish(), results: z.array(item) });
  const answer = await callJson(session, request, schema, [404]);
  return answer && { items: answer.body.results, more: (answer.body.next ?? '') !== '' };
}

/** `api.token` as it is; else a token for the user and password of the registry; without, what everybody may see. */
async function authorizationOf(session: Session): Promise<string | undefined> {
  const given = tokenAuthorization(session);
  const mine = vendorLogin(session, HOST);
  if (given !== undefined || !mine) return given;
  const cache = tokens.get(session) ?? createTokenCache();
  tokens.set(session, cache);
  const value = await cache.get('hub', false, () => login(session, mine.username, mine.password));
  return `Bearer ${value}`;
}

async function login(session: Session, identifier: string, secret: string): Promise<{ value: string; lifeMs: number }> {
  const request: Omit<ApiRequest, 'accept'> = {
    method: 'POST',
    base: BASE,
    path: LOGIN,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify({ identifier, secret })),
    // Many wait for it: none of their signals may end it.
    signal: AbortSignal.timeout(30_000),
  };
  const answer = await callJson(session, request, TOKEN);
  if (!answer) throw registryError(session, request, 'PROTOCOL', 'answered without a token');
  return { value: answer.body.access_token, lifeMs: LIFE_MS };
}
