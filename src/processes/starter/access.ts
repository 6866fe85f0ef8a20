import { createHmac } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { RequestError } from './request-error.ts';
import { authorizationSecret, sameSecret } from './secret.ts';

const SESSION_COOKIE = 'twinport_session';
/** No form can send it, and a script of another origin must ask first, which is answered with 404. */
const ACTION_HEADER = 'x-twinport-action';
const SESSION_SECONDS = 12 * 3600;
/** A proxy that writes one of these speaks for somebody else, so its own address says nothing. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/** Whose doing an action is, as the audit tells it: of whoever sent the token, or of the page with its session. */
export type Actor = 'api' | 'page';

/** Who may do what at this starter. */
export interface Access {
  /** Reading: open on loopback, else with the token or the page's session. */
  mayRead(request: FastifyRequest): boolean;
  /** Acting: with the token, or with the session of our own page, which no other page can make use of; `undefined`: nobody who may. */
  actorOf(request: FastifyRequest): Actor | undefined;
  isToken(text: string): boolean;
  /** The `Set-Cookie` value of a new session of 12 hours. */
  sessionCookie(secure: boolean): string;
}

/** Makes the access rules of one starter, listening on `address`. */
export function createAccess(token: string, address: string): Access {
  const loopback = isLoopback(address);
  const hasToken = (request: FastifyRequest): boolean => {
    const header = request.headers.authorization;
    return header !== undefined && /^bearer /i.test(header) && sameSecret(authorizationSecret(header), token);
  };
  const sign = (expiry: string): string => createHmac('sha256', token).update(`session ${expiry}`).digest('hex');
  const hasSession = (request: FastifyRequest): boolean => {
    const [expiry = '', signature = ''] = (cookieOf(request, SESSION_COOKIE) ?? '').split('.');
    return /^\d{1,12}$/.test(expiry) && Number(expiry) * 1000 > Date.now() && sameSecret(signature, sign(expiry));
  };
  return {
    actorOf(request) {
      if (hasToken(request)) return 'api';
      return hasSession(request) && isOfOurPage(request) ? 'page' : undefined;
    },
    mayRead: (request) => (loopback && isLocal(request)) || hasToken(request) || hasSession(request),
    isToken: (text) => sameSecret(text, token),
    sessionCookie(secure) {
      const expiry = String(Math.floor(Date.now() / 1000) + SESSION_SECONDS);
      const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}${secure ? '; Secure' : ''}`;
      return `${SESSION_COOKIE}=${expiry}.${sign(expiry)}; ${attributes}`;
    },
  };
}

/** Refuses who may not read. @throws {RequestError} 401 UNAUTHORIZED */
export function requireRead(access: Access, request: FastifyRequest): void {
  if (!access.mayRead(request)) throw unauthorized('reading here');
}

/** Refuses who may not act. @throws {RequestError} 401 UNAUTHORIZED */
export function requireAct(access: Access, request: FastifyRequest): Actor {
  const actor = access.actorOf(request);
  if (actor === undefined) throw unauthorized('this action');
  return actor;
}

/** Says whether a host name or address (without port) is this machine's loopback. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]|::ffff:127(?:\.\d{1,3}){3})$/i.test(host);
}

/** A page of another site could reach us through a name of its own that resolves to loopback: the Host must be loopback too. */
function isLocal(request: FastifyRequest): boolean {
  return isLoopback(request.hostname) && !FORWARDED.some((name) => request.headers[name] !== undefined);
}

/**
 * A browser adds the session to whatever asks us: what else it says tells whether our page asks. Pages at other ports and names of the same site
 * send the cookie too; old browsers leave out the last two.
 */
function isOfOurPage({ headers, host }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': from } = headers;
  if (headers[ACTION_HEADER] !== '1') return false;
  // A proxy may call us by another name than the browser does: what the browser says itself counts first.
  if (from !== undefined) return from === 'same-origin';
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

function unauthorized(what: string): RequestError {
  return new RequestError(401, 'UNAUTHORIZED', `${what} needs the token: send "Authorization: Bearer <token>"`, {
    headers: { 'www-authenticate': 'Bearer realm="twinport"' },
  });
}

function cookieOf(request: FastifyRequest, name: string): string | undefined {
  for (const part of request.headers.cookie?.split(';') ?? []) {
    const [key = '', value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
