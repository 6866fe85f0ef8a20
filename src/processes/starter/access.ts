import { createHmac } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { RequestError } from './request-error.ts';
import { authorizationSecret, sameSecret } from './secret.ts';

const SESSION_COOKIE = 'twinport_session';
const SESSION_SECONDS = 12 * 3600;
/** A proxy that writes one of these speaks for somebody else, so its own address says nothing. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/** Who may do what at this starter. */
export interface Access {
  /** Reading: open on loopback, else with the token or the page's session. */
  mayRead(request: FastifyRequest): boolean;
  /** Acting: always the token, in a header that no other site's page can send. */
  mayAct(request: FastifyRequest): boolean;
  isToken(text: string): boolean;
  /** The `Set-Cookie` value of a new session of 12 hours. */
  sessionCookie(secure: boolean): string;
}

/** Makes the access rules of one starter, listening on `address`. */
export function createAccess(token: string, address: string): Access {
  const loopback = isLoopback(address);
  const mayAct = (request: FastifyRequest): boolean => {
    const header = request.headers.authorization;
    return header !== undefined && /^bearer /i.test(header) && sameSecret(authorizationSecret(header), token);
  };
  const sign = (expiry: string): string => createHmac('sha256', token).update(`session ${expiry}`).digest('hex');
  const hasSession = (request: FastifyRequest): boolean => {
    const [expiry = '', signature = ''] = (cookieOf(request, SESSION_COOKIE) ?? '').split('.');
    return /^\d{1,12}$/.test(expiry) && Number(expiry) * 1000 > Date.now() && sameSecret(signature, sign(expiry));
  };
  return {
    mayAct,
    mayRead: (request) => (loopback && isLocal(request)) || mayAct(request) || hasSession(request),
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
export function requireAct(access: Access, request: FastifyRequest): void {
  if (!access.mayAct(request)) throw unauthorized('this action');
}

/** Says whether a host name or address (without port) is this machine's loopback. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]|::ffff:127(?:\.\d{1,3}){3})$/i.test(host);
}

/** A page of another site could reach us through a name of its own that resolves to loopback: the Host must be loopback too. */
function isLocal(request: FastifyRequest): boolean {
  return isLoopback(request.hostname) && !FORWARDED.some((name) => request.headers[name] !== undefined);
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
