import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Access } from '../access.ts';
import { failureOf } from '../../../model/failure.ts';
import { RequestError } from '../request-error.ts';
import { assetRoutes, readAssets } from './assets.ts';
import { renderAway, renderLogin, renderPage, type PageView } from './page.ts';

const LOGIN_LIMIT = 4_096;
/** Guessing is slowed for everybody: attempts pass one after the other. */
const REFUSAL_MS = 500;

/** The page's own: each is answered with the same page, whose script shows what its address says. */
const VIEWS = ['/', '/sites/*', '/deletions', '/activity', '/setup'];
/** Our own script, looks and API alone; nothing is framed, and forms go to us. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
].join('; ');

/** The dashboard: its views, what they load, and the sign-in. */
export function dashboardRoutes(access: Access, view: () => Promise<PageView>) {
  return async (server: FastifyInstance): Promise<void> => {
    const assets = readAssets();
    assetRoutes(server, assets);
    let turn: Promise<unknown> = Promise.resolve();
    server.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LOGIN_LIMIT },
      (_request, body, done) => done(null, new URLSearchParams(body.toString())),
    );

    for (const path of VIEWS) {
      server.get(path, async (request, reply) => {
        if (!access.mayRead(request)) return sendPage(reply.code(401), renderLogin(false, assets));
        try {
          return await sendPage(reply, renderPage(await view(), assets));
        } catch (thrown) {
          return sendPage(reply.code(503), renderAway(failureOf(thrown).message, assets));
        }
      });
    }

    // A form, which is answered with the page, or JSON from the page's script.
    server.post('/login', { bodyLimit: LOGIN_LIMIT }, async (request, reply) => {
      const form = request.body instanceof URLSearchParams;
      if (access.isToken(tokenIn(request.body))) {
        // A proxy that ends TLS in front of us says so; without it the cookie must also work over plain http.
        const secure = request.headers['x-forwarded-proto'] === 'https';
        void reply.header('set-cookie', access.sessionCookie(secure));
        return form ? reply.redirect('/', 303) : reply.code(204).send();
      }
      turn = turn.then(() => new Promise((resolve) => setTimeout(resolve, REFUSAL_MS)));
      await turn;
      if (!form) throw new RequestError(401, 'UNAUTHORIZED', 'that is not the token');
      return sendPage(reply.code(401), renderLogin(true, assets));
    });
  };
}

function tokenIn(body: unknown): string {
  const token = body instanceof URLSearchParams ? body.get('token') : (body as { token?: unknown } | null)?.token;
  return typeof token === 'string' ? token : '';
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', CONTENT_SECURITY_POLICY)
    .header('x-frame-options', 'DENY')
    .send(page);
}
