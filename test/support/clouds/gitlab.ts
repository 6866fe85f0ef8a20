import { createPublicKey, X509Certificate } from 'node:crypto';
import { jwtVerify } from 'jose';
import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { digestsOf, repositoriesOf, tagsOf } from './holdings.ts';

/** What this GitLab is like; to be changed at any time. */
export interface GitlabRules {
  /** With the metadata database there is `/gitlab/v1/`. */
  database: boolean;
  /** From 16.4 on tags are deleted by the specification's way, before only by `tags/reference`. */
  deletesByName: boolean;
  /** The largest page that `/gitlab/v1/` gives, for tests of paging. */
  pageSize: number;
  /** Its pages lead back to where they were. */
  stuck: boolean;
  /** A personal access token for GitLab's own API. */
  token: string;
}

/**
 * GitLab's registry and, at the same address, the part of GitLab's API that lists registry repositories. Built from
 * container-registry's docs/spec/gitlab/api.md, registry/handlers/app.go (which access a request needs) and
 * https://docs.gitlab.com/api/container_registry/ (25 November 2026).
 */
export async function gitlabCloud(
  upstream: string,
  certificate: string,
  audience: string,
): Promise<CloudFront & { readonly rules: GitlabRules }> {
  const rules: GitlabRules = { database: true, deletesByName: true, pageSize: 1_000, stuck: false, token: 'glpat-1' };
  const front = await cloudFront(upstream, {
    async answer(request) {
      if (request.path.startsWith('/api/v4/')) return rails(upstream, rules, request);
      const need = needOf(request);
      if (need === undefined) return undefined;
      if (!(await allowed(request, certificate, audience, need))) return unauthorized(need);
      if (request.path.startsWith('/gitlab/v1/')) return v1(upstream, rules, request);
      return deletion(upstream, rules, request);
    },
  });
  return Object.assign(front, { rules });
}

const NAME_UNKNOWN: CloudAnswer = {
  status: 404,
  body: { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known to registry' }] },
};

/** The access records of app.go; `undefined`: not looked at here. */
function needOf({ method, path }: CloudRequest): string[] | undefined {
  const repository = /^\/gitlab\/v1\/repositories\/(.+?)\/(?:tags\/list\/)?$/.exec(path)?.[1];
  if (repository !== undefined) return [`${repository}:pull`];
  const base = /^\/gitlab\/v1\/repository-paths\/(.+?)\/repositories\/list\/$/.exec(path)?.[1];
  if (base !== undefined) return [`${base}:pull`, `${base}/*:pull`];
  const v2 = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(path)?.[1];
  if (path === '/v2/_catalog') return ['catalog:*'];
  return v2 === undefined
    ? undefined
    : [`${v2}:${method === 'DELETE' ? 'delete' : method === 'GET' || method === 'HEAD' ? 'pull' : 'push'}`];
}

async function allowed(request: CloudRequest, certificate: string, audience: string, need: readonly string[]): Promise<boolean> {
  const key = createPublicKey(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }));
  try {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    const { payload } = await jwtVerify(token, key, { audience });
    const access = payload['access'] as { name: string; actions: string[] }[];
    return need.every((one) => access.some(({ name, actions }) => actions.some((action) => `${name}:${action}` === one)));
  } catch {
    return false;
  }
}

function unauthorized(need: readonly string[]): CloudAnswer {
  const challenge = `Bearer realm="http://127.0.0.1:9/jwt/auth",service="container_registry",scope="${need.join(' ')}"`;
  return {
    status: 401,
    body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
    headers: { 'www-authenticate': challenge },
  };
}

async function v1(upstream: string, rules: GitlabRules, request: CloudRequest): Promise<CloudAnswer> {
  if (!rules.database) return { status: 404 };
  const n = Number(request.query.get('n') ?? 100);
  if (n < 1 || n > 1_000) return { status: 400, body: { errors: [{ code: 'INVALID_QUERY_PARAMETER_VALUE' }] } };
  const size = Math.min(n, rules.pageSize);
  const [, kind, name = ''] =
    /^\/gitlab\/v1\/(repositories|repository-paths)\/(.+?)\/(?:tags|repositories)\/list\/$/.exec(request.path) ?? [];
  const all = kind === 'repositories' ? await tagsOf(upstream, name) : await below(upstream, name);
  if (!all) return NAME_UNKNOWN;
  const { page, headers } = marked(all, request, rules.stuck ? 1 : size, rules.stuck);
  if (kind === 'repository-paths') return { headers, body: page.map((path) => ({ name: path.split('/').at(-1), path })) };
  const told = await digestsOf(upstream, name, page);
  return { headers, body: told.map(({ tag, digest, mediaType }) => ({ name: tag, digest, media_type: mediaType, size_bytes: 1 })) };
}

/** Of a namespace that the registry knows: the repositories with tags. */
async function below(upstream: string, base: string): Promise<string[] | undefined> {
  const all = await repositoriesOf(upstream);
  const [top = ''] = base.split('/');
  if (!all.some((one) => one === top || one.startsWith(`${top}/`))) return undefined;
  return all.filter((one) => one === base || one.startsWith(`${base}/`));
}

function marked(
  all: readonly string[],
  request: CloudRequest,
  size: number,
  stuck: boolean,
): { page: string[]; headers: Record<string, string> } {
  const last = request.query.get('last');
  const rest = all.filter((one) => stuck || last === null || one > last);
  const page = rest.slice(0, size);
  const query = `n=${size}&last=${encodeURIComponent(page.at(-1) ?? '')}`;
  // GitLab writes the address that it knows itself by, which need not be the one that it was asked at.
  const link = `<http://registry.gitlab.invalid${request.rawPath}?${query}>; rel="next"`;
  return { page, headers: rest.length > size ? { link } : {} };
}

function deletion(upstream: string, rules: GitlabRules, { method, path }: CloudRequest): Promise<CloudAnswer> | CloudAnswer | undefined {
  if (method !== 'DELETE') return undefined;
  const [, repository, tag] = /^\/v2\/(.+)\/tags\/reference\/([^/]+)$/.exec(path) ?? [];
  if (repository !== undefined) return remove(`${upstream}/v2/${repository}/manifests/${tag ?? ''}`);
  if (rules.deletesByName || path.includes('sha256:')) return undefined;
  return { status: 400, body: { errors: [{ code: 'DIGEST_INVALID', message: 'provided digest did not match uploaded content' }] } };
}

async function remove(url: string): Promise<CloudAnswer> {
  return { status: (await fetch(url, { method: 'DELETE' })).status };
}

/** GET /groups/:id/registry/repositories and /projects/:id/registry/repositories; a group is whatever has something below a project of it. */
async function rails(upstream: string, rules: GitlabRules, request: CloudRequest): Promise<CloudAnswer> {
  if (request.headers.authorization !== `Bearer ${rules.token}`) return { status: 401, body: { message: '401 Unauthorized' } };
  const [, owner, id = ''] = /^\/api\/v4\/(groups|projects)\/(.+)\/registry\/repositories$/.exec(request.path) ?? [];
  const paths = (await repositoriesOf(upstream)).filter((path) => path.startsWith(`${id.toLowerCase()}/`) || path === id.toLowerCase());
  const isGroup = !id.includes('/');
  if (paths.length === 0 || isGroup !== (owner === 'groups')) return { status: 404, body: { message: '404 Not Found' } };
  const size = Math.min(Number(request.query.get('per_page') ?? 20), 100);
  const page = Number(request.query.get('page') ?? 1);
  const body = paths
    .slice((page - 1) * size, page * size)
    .map((path, n) => ({ id: n, name: '', path, location: `registry.example.com/${path}` }));
  return { body, headers: { 'x-next-page': page * size < paths.length ? String(page + 1) : '', 'x-total': String(paths.length) } };
}
