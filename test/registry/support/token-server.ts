import { createPrivateKey } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll } from '@jest/globals';
import { SignJWT } from 'jose';
import type { KeyPair } from './keys.ts';

/** One request for a token. */
export interface TokenRequest {
  readonly path: string;
  readonly scopes: string[];
  readonly service: string | null;
  readonly authorization: string | undefined;
  readonly method: string;
  /** Of a POST. */
  readonly form: URLSearchParams;
}

/** What a token service does, to be changed at any time. */
export interface TokenRules {
  /** `user:password` that it takes; absent: anybody may come. */
  login?: string | undefined;
  /** The identity token that it takes by POST; absent: it knows GET only. */
  identity?: string | undefined;
  /** The identity token that it gives in exchange, and takes from then on. */
  nextIdentity?: string | undefined;
  /** Of the answer. */
  issuedAt?: string | undefined;
  /** The actions that it grants of those asked for; absent: all. */
  grant?: readonly string[] | undefined;
  /** Of the answer; `null`: not told. */
  expiresIn: number | null;
  field: 'token' | 'access_token';
  /** How long the tokens are really good. */
  lifeSeconds: number;
  delayMs: number;
  answer?: { status: number; body: string; headers?: Record<string, string> } | undefined;
}

export interface TokenServer {
  readonly url: string;
  readonly requests: TokenRequest[];
  readonly rules: TokenRules;
}

export const ISSUER = 'test-issuer';
export const SERVICE = 'test-registry';

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A real token service, as Distribution's documentation describes it, that ends with the test file. */
export async function tokenServer(pair: KeyPair): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const rules: TokenRules = { expiresIn: 300, field: 'token', lifeSeconds: 300, delayMs: 0 };
  const key = createPrivateKey(pair.key);
  const x5c = [pair.cert.replace(/-----[^-]+-----|\s/g, '')];
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '', 'http://x');
      const form = new URLSearchParams(await text(request));
      const scopes = request.method === 'POST' ? (form.get('scope') ?? '').split(' ').filter(Boolean) : url.searchParams.getAll('scope');
      requests.push({
        method: request.method ?? '',
        form,
        path: url.pathname + url.search,
        scopes,
        service: url.searchParams.get('service') ?? form.get('service'),
        authorization: request.headers.authorization,
      });
      if (rules.delayMs > 0) await new Promise((go) => setTimeout(go, rules.delayMs));
      if (rules.answer) return response.writeHead(rules.answer.status, rules.answer.headers).end(rules.answer.body);
      const expected = rules.login === undefined ? undefined : `Basic ${Buffer.from(rules.login).toString('base64')}`;
      if (request.method === 'POST') {
        if (rules.identity === undefined) return response.writeHead(405).end();
        if (form.get('grant_type') !== 'refresh_token' || form.get('refresh_token') !== rules.identity)
          return response.writeHead(401).end();
        rules.identity = rules.nextIdentity ?? rules.identity;
      } else if (expected !== undefined && request.headers.authorization !== expected)
        return response.writeHead(401).end('{"details":"no"}');
      const access = scopes.map((scope) => {
        const [type, ...rest] = scope.split(':');
        const actions = (rest.pop() ?? '').split(',');
        return { type, name: rest.join(':'), actions: rules.grant ? actions.filter((action) => rules.grant?.includes(action)) : actions };
      });
      const now = Math.floor(Date.now() / 1000);
      const token = await new SignJWT({ access })
        .setProtectedHeader({ alg: 'RS256', x5c })
        .setIssuer(ISSUER)
        .setAudience(SERVICE)
        .setSubject('test')
        .setIssuedAt(now)
        .setExpirationTime(now + rules.lifeSeconds)
        .sign(key);
      const expires = rules.expiresIn === null ? {} : { expires_in: rules.expiresIn };
      return response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          [rules.field]: token,
          ...expires,
          ...(rules.nextIdentity === undefined ? {} : { refresh_token: rules.nextIdentity }),
          ...(rules.issuedAt === undefined ? {} : { issued_at: rules.issuedAt }),
        }),
      );
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, rules };
}
