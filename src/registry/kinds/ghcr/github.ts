import type { z } from 'zod';
import { callJson } from '../../call-json.ts';
import { registryError } from '../../errors.ts';
import { nextLink } from '../../links.ts';
import type { Session } from '../../session.ts';
import type { ApiRequest } from '../../transport/call-api.ts';
import { tokenAuthorization, vendorLogin } from '../api-authorization.ts';

/** Of github.com; of a GitHub Enterprise Server, `api.url` says it. */
const BASE = 'https://api.github.com';
const HOST = /^ghcr\.io$/;

/** The most that GitHub gives at once. */
const PAGE = 100;

/** What GitHub calls an owner of packages. */
type Owner = 'orgs' | 'users';

const owners = new WeakMap<Session, Map<string, Owner>>();

/** A repository of `/v2/` as GitHub names it. */
export interface Package {
  readonly owner: string;
  readonly name: string;
}

/** Takes a name of `/v2/` apart. */
export function packageOf(repository: string): Package {
  const slash = repository.indexOf('/');
  return { owner: repository.slice(0, Math.max(0, slash)), name: repository.slice(slash + 1) };
}

/** Says whether there are credentials for GitHub's API; `/v2/` may do without. */
export function hasToken(session: Session): boolean {
  return authorizationOf(session) !== undefined;
}

/** `api.token`, or the password: with a personal access token that is the same thing. */
function authorizationOf(session: Session): string | undefined {
  const login = vendorLogin(session, HOST);
  return tokenAuthorization(session) ?? (login && `Bearer ${login.password}`);
}

/** A request to GitHub's API. */
export function githubRequest(
  session: Session,
  request: Pick<ApiRequest, 'method' | 'path' | 'query' | 'signal'>,
): Omit<ApiRequest, 'accept'> {
  const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
  return { ...request, base: BASE, headers, authorization: authorizationOf(session) };
}

/**
 * Reads one page of a list that belongs to an owner, an organization or a user.
 * @param below the path below the owner: `packages…`
 * @returns `undefined`: there is no such owner, or nothing there that the token may see
 * @throws {RegistryError} UNAUTHORIZED, DENIED (the token lacks `read:packages`), RATE_LIMITED, PROTOCOL, UNREACHABLE, …
 * @see https://docs.github.com/rest/packages/packages
 */
export async function githubPage<T>(
  session: Session,
  owner: string,
  below: string,
  query: Readonly<Record<string, string>>,
  item: z.ZodType<T[]>,
  page: number,
  signal?: AbortSignal,
): Promise<{ items: T[]; more: boolean } | undefined> {
  for (const kind of ownersToAsk(session, owner)) {
    const path = `/${kind}/${encodeURIComponent(owner)}/${below}`;
    const request = githubRequest(session, {
      method: 'GET',
      path,
      query: { ...query, per_page: String(PAGE), page: String(page) },
      signal,
    });
    const answer = await callJson(session, request, item, [404]);
    if (!answer) continue;
    remember(session, owner, kind);
    return { items: answer.body, more: nextLink(answer.header('link')) !== undefined };
  }
  return undefined;
}

/** The path of an owner whose packages have been listed before. */
export function ownerPath(session: Session, owner: string): string {
  return `/${ownersToAsk(session, owner)[0] ?? 'orgs'}/${encodeURIComponent(owner)}`;
}

function ownersToAsk(session: Session, owner: string): Owner[] {
  const known = owners.get(session)?.get(owner);
  return known ? [known] : ['orgs', 'users'];
}

function remember(session: Session, owner: string, kind: Owner): void {
  const known = owners.get(session) ?? new Map<string, Owner>();
  owners.set(session, known.set(owner, kind));
}

/** The error for who wants a list and gives no token. */
export function tokenNeeded(session: Session, path: string): Error {
  return registryError(
    session,
    { method: 'GET', path },
    'CONFIG',
    'not sent: GitHub lists packages only to a token of scope read:packages: give it as api.token, or as the password of auth: basic (at another host than ghcr.io with api.url)',
  );
}
