import type { CloudAnswer, CloudRequest } from './front.ts';
import { basicUser } from './holdings.ts';

/** A token service as clouds have them, and the gate in front of `/v2/` that takes its tokens. */
export interface TokenGate {
  /** `user:password` that it takes. */
  login: string;
  /** So many tokens were given. */
  given: number;
  /** Tokens that were given before are refused from now on. */
  endAll(): void;
  /** Answers what asks for a token, and what comes without the right one; `undefined` for all else. */
  answer(request: CloudRequest): CloudAnswer | undefined;
}

interface Token {
  readonly scopes: string[];
  readonly age: number;
}

/**
 * The token service of Docker's registries, at `path` of the cloud.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function tokenGate(login: string, path: string, service: string): TokenGate {
  let age = 0;
  const gate: TokenGate = {
    login,
    given: 0,
    endAll: () => {
      age += 1;
    },
    answer(request) {
      if (request.path === path) return give(gate, request, age);
      const need = needOf(request);
      if (need === undefined || allowed(request, need, age)) return undefined;
      const scope = need === '' ? '' : `,scope="${need}"`;
      const challenge = `Bearer realm="http://${request.headers.host ?? ''}${path}",service="${service}"${scope}`;
      const errors = [{ code: 'UNAUTHORIZED', message: 'authentication required' }];
      return { status: 401, body: { errors }, headers: { 'www-authenticate': challenge } };
    },
  };
  return gate;
}

function give(gate: TokenGate, request: CloudRequest, age: number): CloudAnswer {
  if (basicUser(request.headers.authorization) !== gate.login) return { status: 401, body: { details: 'incorrect username or password' } };
  gate.given += 1;
  const token: Token = { scopes: request.query.getAll('scope'), age };
  return { body: { token: Buffer.from(JSON.stringify(token)).toString('base64url'), expires_in: 300 } };
}

/** The scope that a request needs; empty: any token. */
function needOf({ method, path }: CloudRequest): string | undefined {
  if (!path.startsWith('/v2/')) return undefined;
  if (path === '/v2/_catalog') return 'registry:catalog:*';
  const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1];
  if (repository === undefined) return '';
  const action = method === 'GET' || method === 'HEAD' ? 'pull' : method === 'DELETE' && path.includes('/manifests/') ? 'delete' : 'push';
  return `repository:${repository}:${action === 'push' ? 'pull,push' : action}`;
}

function allowed(request: CloudRequest, need: string, age: number): boolean {
  const sent = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (sent === undefined) return false;
  const token = JSON.parse(Buffer.from(sent, 'base64url').toString()) as Token;
  return token.age === age && (need === '' || token.scopes.some((scope) => covers(scope, need)));
}

function covers(scope: string, need: string): boolean {
  const cut = (text: string): [string, string[]] => [
    text.slice(0, text.lastIndexOf(':')),
    text.slice(text.lastIndexOf(':') + 1).split(','),
  ];
  const [[of, may], [whose, wanted]] = [cut(scope), cut(need)];
  return of === whose && wanted.every((action) => may.includes(action));
}
