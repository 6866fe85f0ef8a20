import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { basicUser, digestsOf, repositoriesOf, tagsOf } from './holdings.ts';
import { tokenGate, type TokenGate } from './token-service.ts';

/** A user or robot, and what it may do; to be changed at any time. */
export interface HarborRules {
  /** `user:password` of whoever may do what the rules say; nobody else may do anything. */
  login: string;
  /** May list repositories, artifacts and tags by the API. */
  lists: boolean;
  /** May make projects: a system robot or an administrator. */
  createsProjects: boolean;
  /** May delete tags. */
  deletesTags: boolean;
  immutable: Set<string>;
  projects: Map<string, { public?: string; storageLimit?: number }>;
  /** Manifests without a tag that the tests have pushed. */
  untagged: { repository: string; digest: string }[];
  /** A project that has no space left. */
  full?: string;
}

/**
 * Harbor, built from api/v2.0/swagger.yaml, src/server/v2.0/handler/{project,repository,artifact}.go, src/server/registry/{manifest,catalog}.go and
 * src/controller/quota/controller.go of goharbor/harbor (August 2026): projects that must be there before
 * the first push, `/v2/` that deletes by digest only.
 */
export async function harborCloud(upstream: string): Promise<CloudFront & { readonly rules: HarborRules; readonly gate: TokenGate }> {
  const rules: HarborRules = {
    login: 'robot$twinport:secret',
    lists: true,
    createsProjects: true,
    deletesTags: true,
    immutable: new Set(),
    projects: new Map(),
    untagged: [],
  };
  const gate = tokenGate(rules.login, '/service/token', 'harbor-registry');
  const front = await cloudFront(upstream, {
    answer(request) {
      const known = basicUser(request.headers.authorization) === rules.login;
      if (request.path.startsWith('/api/v2.0/')) return known ? api(upstream, rules, request) : refuse(401, 'UNAUTHORIZED', 'unauthorized');
      return gate.answer(request) ?? v2(rules, request);
    },
  });
  return Object.assign(front, { rules, gate });
}

function refuse(status: number, code: string, message: string): CloudAnswer {
  return { status, body: { errors: [{ code, message }] } };
}

/** Harbor's own way with `/v2/`; `undefined`: as the Distribution behind it. */
function v2(rules: HarborRules, { method, path }: CloudRequest): CloudAnswer | undefined {
  if (path === '/v2/') return { body: {} };
  if (path === '/v2/_catalog') return refuse(401, 'UNAUTHORIZED', 'unauthorized to list catalog');
  const [, repository = '', reference = ''] = /^\/v2\/(.+)\/(?:manifests|tags|blobs)\/(.+)$/.exec(path) ?? [];
  const project = repository.split('/')[0] ?? '';
  if (!rules.projects.has(project)) return refuse(404, 'NOT_FOUND', `project ${project} not found`);
  if (project === rules.full && method !== 'GET' && method !== 'HEAD')
    return refuse(403, 'DENIED', 'Quota exceeded when processing the request of adding 1 KiB of storage resource');
  if (method === 'DELETE' && path.includes('/manifests/') && !reference.startsWith('sha256:'))
    return refuse(405, 'UNSUPPORTED', `unsupported digest ${reference}`);
  return undefined;
}

async function api(upstream: string, rules: HarborRules, request: CloudRequest): Promise<CloudAnswer> {
  const { method, rawPath } = request;
  if (rawPath === '/api/v2.0/projects') return projects(rules, request);
  if (rawPath === '/api/v2.0/repositories') {
    if (!rules.lists) return refuse(403, 'FORBIDDEN', 'forbidden');
    const names = (await repositoriesOf(upstream)).filter((name) => rules.projects.has(name.split('/')[0] ?? ''));
    return paged(request, names, async (page) => page.map((name, id) => ({ id, name, artifact_count: 1 })));
  }
  const [, project = '', twice = '', tag] =
    /^\/api\/v2\.0\/projects\/([^/]+)\/repositories\/([^/]+)\/artifacts(?:\/([^/]+)\/tags\/\3)?$/.exec(rawPath) ?? [];
  const repository = `${project}/${decodeURIComponent(decodeURIComponent(twice))}`;
  if (twice.includes('%2F')) return refuse(404, 'NOT_FOUND', 'path not found'); // encoded once only
  if (tag !== undefined && method === 'DELETE') return untag(upstream, rules, repository, tag);
  if (!rules.lists) return refuse(403, 'FORBIDDEN', 'forbidden');
  const tags = await tagsOf(upstream, repository);
  if (!tags) return refuse(404, 'NOT_FOUND', `repository ${repository} not found`);
  if (request.query.get('q') === 'tags=nil') {
    const untagged = rules.untagged.filter((one) => one.repository === repository);
    return paged(request, untagged, async (page) => page.map(({ digest }) => ({ digest, tags: null })));
  }
  const byDigest = new Map<string, string[]>();
  for (const one of await digestsOf(upstream, repository, tags)) byDigest.set(one.digest, [...(byDigest.get(one.digest) ?? []), one.tag]);
  return paged(request, [...byDigest], async (page) =>
    page.map(([digest, names]) => ({ digest, tags: names.map((name, id) => ({ id, name })) })),
  );
}

async function projects(rules: HarborRules, request: CloudRequest): Promise<CloudAnswer> {
  const name = request.query.get('project_name') ?? '';
  if (request.method === 'HEAD') return { status: rules.projects.has(name) ? 200 : 404 };
  if (!rules.createsProjects) return refuse(403, 'FORBIDDEN', 'Only system level robot can create project');
  const body = (await request.json()) as { project_name: string; metadata: { public: string }; storage_limit?: number };
  if (rules.projects.has(body.project_name)) return refuse(409, 'CONFLICT', `The project named ${body.project_name} already exists`);
  const { storage_limit: storageLimit } = body;
  rules.projects.set(body.project_name, { public: body.metadata.public, ...(storageLimit === undefined ? {} : { storageLimit }) });
  return { status: 201 };
}

async function untag(upstream: string, rules: HarborRules, repository: string, tag: string): Promise<CloudAnswer> {
  if (!rules.deletesTags) return refuse(403, 'FORBIDDEN', 'forbidden');
  if (rules.immutable.has(tag)) return refuse(412, 'PRECONDITION', `the tag ${tag} configured as immutable, cannot be deleted`);
  const { status } = await fetch(`${upstream}/v2/${repository}/manifests/${tag}`, { method: 'DELETE' });
  return status === 202 ? { status: 200 } : refuse(404, 'NOT_FOUND', `artifact ${repository}:${tag} not found`);
}

async function paged<T>(request: CloudRequest, all: readonly T[], tell: (page: T[]) => Promise<unknown[]>): Promise<CloudAnswer> {
  const size = Number(request.query.get('page_size') ?? 10);
  if (size > 100) return refuse(422, 'UNPROCESSABLE_ENTITY', 'page_size in query should be less than or equal to 100');
  const page = Number(request.query.get('page') ?? 1);
  const body = await tell(all.slice((page - 1) * size, page * size));
  return { body: body.length === 0 ? null : body, headers: { 'x-total-count': String(all.length) } };
}
