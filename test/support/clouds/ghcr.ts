import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { digestsOf, repositoriesOf, tagsOf } from './holdings.ts';
import { tokenGate, type TokenGate } from './token-service.ts';

export interface GhcrRules {
  /** A personal access token (classic). */
  token: string;
  /** Has the scope `delete:packages`. */
  deletes: boolean;
  organizations: Set<string>;
  users: Set<string>;
  /** Manifests without a tag that the tests have pushed. */
  untagged: { repository: string; digest: string }[];
  /** Every page is the first one. */
  stuck: boolean;
}

/** A PATCH of more than this is refused. */
const MAX_PATCH = 4 * 1024 * 1024;

/**
 * GitHub's container registry, and its REST API at the same address. Built from https://docs.github.com/rest/packages/packages (2022-11-28) and,
 * for `/v2/`, from what clients report of ghcr.io: no catalog, no referrers API, DELETE 405, no PATCH above 4 MiB.
 */
export async function ghcrCloud(upstream: string): Promise<CloudFront & { readonly rules: GhcrRules; readonly gate: TokenGate }> {
  const rules: GhcrRules = { token: 'ghp_1', deletes: true, organizations: new Set(), users: new Set(), untagged: [], stuck: false };
  const gate = tokenGate(`anybody:${rules.token}`, '/token', 'ghcr.io');
  const front = await cloudFront(upstream, {
    answer(request) {
      if (/^\/(?:orgs|users)\//.test(request.path)) return rest(upstream, rules, request);
      return gate.answer(request) ?? v2(request);
    },
  });
  return Object.assign(front, { rules, gate });
}

function error(status: number, code: string, message: string): CloudAnswer {
  return { status, body: { errors: [{ code, message }] } };
}

function v2({ method, path, headers }: CloudRequest): CloudAnswer | undefined {
  if (path === '/v2/_catalog' || path.includes('/referrers/')) return { status: 404, body: { message: 'Not Found' } };
  if (method === 'DELETE' && path.includes('/manifests/')) return error(405, 'UNSUPPORTED', 'The operation is unsupported.');
  if (method === 'PATCH' && !(Number(headers['content-length']) <= MAX_PATCH))
    return error(416, 'REQUESTED_RANGE_NOT_SATISFIABLE', 'too large');
  return undefined;
}

interface Version {
  readonly id: number;
  readonly digest: string;
  readonly tags: string[];
}

async function rest(upstream: string, rules: GhcrRules, request: CloudRequest): Promise<CloudAnswer> {
  if (request.headers.authorization !== `Bearer ${rules.token}`) return { status: 401, body: { message: 'Bad credentials' } };
  const [, kind, owner = '', encoded, id] =
    /^\/(orgs|users)\/([^/]+)\/packages(?:\/container\/([^/]+)\/versions(?:\/(\d+))?)?$/.exec(request.rawPath) ?? [];
  const known = kind === 'orgs' ? rules.organizations : rules.users;
  if (!known.has(owner.toLowerCase())) return { status: 404, body: { message: 'Not Found' } };
  if (encoded === undefined) {
    if (request.query.get('package_type') !== 'container') return { status: 422, body: { message: 'Invalid package_type' } };
    const names = (await repositoriesOf(upstream)).filter((name) => name.startsWith(`${owner.toLowerCase()}/`));
    const packages = names.map((name, n) => ({
      id: n,
      name: name.slice(owner.length + 1),
      package_type: 'container',
      owner: { login: owner },
    }));
    return paged(rules, request, packages);
  }
  const repository = `${owner.toLowerCase()}/${decodeURIComponent(encoded)}`;
  const versions = await versionsOf(upstream, rules, repository);
  if (!versions) return { status: 404, body: { message: 'Package not found.' } };
  if (request.method === 'DELETE') return remove(upstream, rules, repository, versions, Number(id));
  const told = versions.map((one) => ({
    id: one.id,
    name: one.digest,
    metadata: { package_type: 'container', container: { tags: one.tags } },
  }));
  return paged(rules, request, told);
}

/** A version is a manifest; its id is made of its digest, so that it stays the same. */
async function versionsOf(upstream: string, rules: GhcrRules, repository: string): Promise<Version[] | undefined> {
  const tags = await tagsOf(upstream, repository);
  if (!tags) return undefined;
  const byDigest = new Map<string, string[]>();
  for (const one of await digestsOf(upstream, repository, tags)) byDigest.set(one.digest, [...(byDigest.get(one.digest) ?? []), one.tag]);
  for (const one of rules.untagged) if (one.repository === repository) byDigest.set(one.digest, byDigest.get(one.digest) ?? []);
  return [...byDigest].map(([digest, names]) => ({ id: Number.parseInt(digest.slice(7, 18), 16), digest, tags: names }));
}

async function remove(
  upstream: string,
  rules: GhcrRules,
  repository: string,
  versions: readonly Version[],
  id: number,
): Promise<CloudAnswer> {
  if (!rules.deletes) return { status: 403, body: { message: 'You need at least delete:packages scope to delete a package.' } };
  const version = versions.find((one) => one.id === id);
  if (!version) return { status: 404, body: { message: 'Package not found.' } };
  if (versions.filter(({ tags }) => tags.length > 0).length === 1)
    return {
      status: 400,
      body: { message: 'You cannot delete the last tagged version of a package. You must delete the package instead.' },
    };
  await fetch(`${upstream}/v2/${repository}/manifests/${version.digest}`, { method: 'DELETE' });
  return { status: 204 };
}

function paged(rules: GhcrRules, request: CloudRequest, all: readonly unknown[]): CloudAnswer {
  const size = Math.min(Number(request.query.get('per_page') ?? 30), 100);
  const page = Number(request.query.get('page') ?? 1);
  const more = rules.stuck || page * size < all.length;
  const from = rules.stuck ? 0 : (page - 1) * size;
  const link = `<https://api.github.com${request.rawPath}?page=${page + 1}>; rel="next"`;
  return { body: all.slice(from, from + size), headers: more ? { link } : {} };
}
