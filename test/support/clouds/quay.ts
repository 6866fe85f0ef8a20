import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { digestsOf, repositoriesOf, tagsOf } from './holdings.ts';
import { tokenGate, type TokenGate } from './token-service.ts';

export interface QuayRules {
  /** A robot, for the registry. */
  login: string;
  /** An OAuth access token, for the API. */
  token: string;
  immutable: Set<string>;
  /** Its pages lead back to where they were, by new tokens. */
  stuck: boolean;
  /** Repositories a page, for tests of paging; 100 in Quay. */
  pageSize: number;
}

/**
 * Quay, built from endpoints/api/{tag,repository,__init__}.py and endpoints/v2/{tag,manifest,errors}.py of quay/quay (August 2026).
 */
export async function quayCloud(upstream: string): Promise<CloudFront & { readonly rules: QuayRules; readonly gate: TokenGate }> {
  const rules: QuayRules = { login: 'acme+twinport:secret', token: 'oauth-1', immutable: new Set(), stuck: false, pageSize: 100 };
  const gate = tokenGate(rules.login, '/v2/auth', 'quay.io');
  const front = await cloudFront(upstream, {
    answer(request) {
      if (request.path.startsWith('/api/v1/')) return api(upstream, rules, request);
      const refused = gate.answer(request);
      if (refused) return refused;
      const tag = /\/manifests\/([^/]+)$/.exec(request.path)?.[1] ?? '';
      if (request.method === 'DELETE' && rules.immutable.has(tag))
        return {
          status: 409,
          body: { errors: [{ code: 'TAG_IMMUTABLE', message: 'tag is immutable and cannot be overwritten', detail: {} }] },
        };
      return undefined;
    },
  });
  return Object.assign(front, { rules, gate });
}

async function api(upstream: string, rules: QuayRules, request: CloudRequest): Promise<CloudAnswer> {
  const known = request.headers.authorization === `Bearer ${rules.token}`;
  if (request.headers.authorization !== undefined && !known)
    return { status: 401, body: { error_message: 'Invalid token', error_type: 'invalid_token' } };
  if (request.path === '/api/v1/repository') return repositories(upstream, rules, request, known);
  const repository = /^\/api\/v1\/repository\/(.+)\/tag\/$/.exec(request.path)?.[1] ?? '';
  if (!known) return { status: 403, body: { error_message: 'Unauthorized', error_type: 'insufficient_scope' } };
  const tags = await tagsOf(upstream, repository);
  if (!tags) return { status: 404, body: { error_message: 'Not Found', error_type: 'not_found' } };
  const size = Math.min(Number(request.query.get('limit') ?? 50), 100);
  const page = Number(request.query.get('page') ?? 1);
  const told = await digestsOf(upstream, repository, tags.slice((page - 1) * size, page * size));
  const body = told.map(({ tag, digest }) => ({
    name: tag,
    reversion: false,
    start_ts: 1,
    manifest_digest: digest,
    is_manifest_list: false,
    size: 1,
  }));
  return { body: { tags: body, page, has_additional: page * size < tags.length } };
}

async function repositories(upstream: string, rules: QuayRules, request: CloudRequest, known: boolean): Promise<CloudAnswer> {
  const namespace = request.query.get('namespace');
  if (namespace === null) return { status: 400, body: { error_message: 'namespace, starred or public are required for this API call' } };
  const all = known ? (await repositoriesOf(upstream)).filter((name) => name.startsWith(`${namespace}/`)) : [];
  const place = Number(request.query.get('next_page')?.slice('place-'.length) ?? 0);
  const page = all.slice(rules.stuck ? 0 : place).slice(0, rules.pageSize);
  const next = place + rules.pageSize < all.length ? { next_page: `place-${place + rules.pageSize}` } : {};
  return {
    body: {
      repositories: page.map((name) => ({ namespace, name: name.slice(namespace.length + 1), kind: 'image', state: 'NORMAL' })),
      ...next,
    },
  };
}
