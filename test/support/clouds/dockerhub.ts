import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { digestsOf, repositoriesOf, tagsOf } from './holdings.ts';
import { tokenGate, type TokenGate } from './token-service.ts';

export interface HubRules {
  /** `user:token`, for the registry and for the Hub's login. */
  login: string;
  namespaces: Set<string>;
  /** Tags that the Hub tells without a digest, as it does of old ones. */
  old: Set<string>;
  /** The login is refused, as to an access token for pulling only. */
  closed: boolean;
  /** The tokens that the login has given. */
  logins: number;
}

/**
 * Docker Hub: the registry and, at the same address, the API of hub.docker.com. Built from docker/docs content/reference/api/hub/latest.yaml
 * (November 2026): a login by POST /v2/auth/token, lists of `next` and `results`, at most 100 a page.
 */
export async function hubCloud(upstream: string): Promise<CloudFront & { readonly rules: HubRules; readonly gate: TokenGate }> {
  const rules: HubRules = { login: 'me:dckr_pat_1', namespaces: new Set(), old: new Set(), closed: false, logins: 0 };
  const gate = tokenGate(rules.login, '/token', 'registry.docker.io');
  const front = await cloudFront(upstream, {
    answer(request) {
      if (request.path === '/v2/auth/token') return login(rules, request);
      if (request.path.startsWith('/v2/namespaces/')) return api(upstream, rules, request);
      return (
        gate.answer(request) ??
        (request.path === '/v2/_catalog' ? { status: 401, body: { errors: [{ code: 'UNAUTHORIZED' }] } } : undefined)
      );
    },
  });
  return Object.assign(front, { rules, gate });
}

async function login(rules: HubRules, request: CloudRequest): Promise<CloudAnswer> {
  const { identifier, secret } = await request.json();
  if (rules.closed || `${String(identifier)}:${String(secret)}` !== rules.login)
    return { status: 401, body: { detail: 'Incorrect authentication credentials' } };
  rules.logins += 1;
  return { body: { access_token: 'jwt-1' } };
}

async function api(upstream: string, rules: HubRules, request: CloudRequest): Promise<CloudAnswer> {
  if (request.headers.authorization !== 'Bearer jwt-1') return { status: 401, body: { detail: 'authentication required' } };
  const [, namespace = '', repository] = /^\/v2\/namespaces\/([^/]+)\/repositories(?:\/([^/]+)\/tags)?$/.exec(request.path) ?? [];
  if (!rules.namespaces.has(namespace)) return { status: 404, body: { message: 'object not found' } };
  if (repository === undefined) {
    const names = (await repositoriesOf(upstream)).filter((name) => name.startsWith(`${namespace}/`));
    const images = names.map((name) => ({ name: name.slice(namespace.length + 1), namespace, repository_type: 'image' }));
    return paged(request, [...images, { name: 'a-plugin', namespace, repository_type: 'plugin' }]);
  }
  const tags = await tagsOf(upstream, `${namespace}/${repository}`);
  if (!tags) return { status: 404, body: { message: 'object not found' } };
  const answer = paged(request, tags);
  const body = answer.body as { results: string[] };
  const told = await digestsOf(upstream, `${namespace}/${repository}`, body.results);
  return {
    body: { ...body, results: told.map(({ tag, digest }) => ({ name: tag, images: [], ...(rules.old.has(tag) ? {} : { digest }) })) },
  };
}

function paged(request: CloudRequest, all: readonly unknown[]): CloudAnswer {
  const size = Math.min(Number(request.query.get('page_size') ?? 10), 100);
  const page = Number(request.query.get('page') ?? 1);
  const next = page * size < all.length ? `https://hub.docker.com${request.rawPath}?page=${page + 1}&page_size=${size}` : null;
  return { body: { count: all.length, next, previous: null, results: all.slice((page - 1) * size, page * size) } };
}
