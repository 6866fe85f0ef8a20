import { randomUUID } from 'node:crypto';

/** A token that a cloud gave out. */
export interface GivenToken {
  readonly value: string;
  /** What it is for: `refresh`, or scopes. */
  readonly grants: readonly string[];
  /** `Date.now()` */
  readonly endsAt: number;
}

/** The tokens that a cloud gave out; it takes them until the very moment of their end, without any leeway. */
export interface TokenBook {
  /** Of the tokens that are given out from now on. */
  lifeSeconds: number;
  give(grants?: readonly string[]): GivenToken;
  /** @returns `undefined` for one that was never given, or has ended */
  find(value: string): GivenToken | undefined;
  readonly given: number;
}

/** An empty book. */
export function tokenBook(lifeSeconds: number): TokenBook {
  const tokens = new Map<string, GivenToken>();
  const book = {
    lifeSeconds,
    give(grants: readonly string[] = []) {
      const endsAt = Date.now() + book.lifeSeconds * 1000;
      const token = { value: jwt(endsAt, grants), grants, endsAt };
      tokens.set(token.value, token);
      return token;
    },
    find(value: string) {
      const token = tokens.get(value);
      return token && Date.now() < token.endsAt ? token : undefined;
    },
    get given() {
      return tokens.size;
    },
  };
  return book;
}

/** In the form of a JWT, since most clouds' tokens are; nobody checks the signature. */
function jwt(endsAt: number, grants: readonly string[]): string {
  const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { jti: randomUUID(), iat: Math.floor(Date.now() / 1000), exp: Math.floor(endsAt / 1000), grants };
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}.c2lnbmF0dXJl`;
}

/** What `Authorization: Bearer …` holds. */
export function bearerOf(authorization: string | undefined): string {
  return /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '';
}

/** What `Authorization: Basic …` holds. */
export function basicOf(authorization: string | undefined): { user: string; password: string } {
  const text = Buffer.from(/^Basic (.+)$/i.exec(authorization ?? '')?.[1] ?? '', 'base64').toString();
  return { user: text.slice(0, Math.max(0, text.indexOf(':'))), password: text.slice(text.indexOf(':') + 1) };
}

/** The scope that a request to `/v2/` needs, as Distribution's documentation has it. */
export function scopeOf(method: string, path: string): string | undefined {
  if (path.startsWith('/v2/_catalog')) return 'registry:catalog:*';
  const name = /^\/v2\/(.+?)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1];
  if (name === undefined) return undefined;
  const action = method === 'DELETE' && !path.includes('/uploads/') ? 'delete' : method === 'GET' || method === 'HEAD' ? 'pull' : 'push';
  return `repository:${name}:${action}`;
}

/** Whether what a token grants holds a scope. */
export function allows(grants: readonly string[], scope: string | undefined): boolean {
  if (scope === undefined) return true;
  const at = scope.lastIndexOf(':');
  return grants.some((grant) => {
    const end = grant.lastIndexOf(':');
    return (
      grant.slice(0, end) === scope.slice(0, at) &&
      grant
        .slice(end + 1)
        .split(',')
        .includes(scope.slice(at + 1))
    );
  });
}
