import { guardedFront, refuse, type CloudAnswer, type GuardedFront, type CloudRequest } from './guarded-front.ts';
import { tagsOf, type TaggedDigest } from './registry-content.ts';
import { allows, bearerOf, basicOf, scopeOf, tokenBook, type TokenBook } from './tokens.ts';

/*
 * An Azure Container Registry and the managed identity of an App Service, in the shapes of
 * https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md (exchange and token),
 * https://github.com/Azure/azure-rest-api-specs/tree/main/specification/containerregistry/data-plane (`_tags`, `_manifests`), and
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference. The content is a real registry's.
 */

const AUDIENCE = 'https://containerregistry.azure.net';
const IDENTITY_HEADER = 'identity-header-1';

export interface AcrFake extends GuardedFront {
  /** Of Entra ID; of the registry's refresh tokens; of its access tokens. */
  readonly entra: TokenBook;
  readonly refresh: TokenBook;
  readonly access: TokenBook;
  /** What the identity may not do with any repository: `metadata_read`, `delete`. */
  readonly denied: Set<string>;
  /** Manifests without a tag, by repository. */
  readonly untagged: Map<string, string[]>;
  /** At most so many entries a page. */
  pageSize: number;
  /** What a program finds in its environment where it has the identity. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts one in front of the registry at `upstream`; its tokens live for `lifeSeconds`. */
export async function acrFake(upstream: string, lifeSeconds: number): Promise<AcrFake> {
  const books = { entra: tokenBook(24 * 3600), refresh: tokenBook(lifeSeconds), access: tokenBook(lifeSeconds) };
  const front = await guardedFront(upstream, async (request): Promise<CloudAnswer | undefined> => {
    const { pathname } = request.url;
    if (pathname === '/msi/token') return identity(books.entra, request);
    if (pathname === '/oauth2/exchange') return exchange(fake, await request.body());
    if (pathname === '/oauth2/token') return token(fake, request);
    const refused = check(fake, request);
    if (refused) return refused;
    return pathname.startsWith('/acr/v1/') ? metadata(fake, upstream, request) : undefined;
  });
  const env = { IDENTITY_ENDPOINT: `${front.url}/msi/token`, IDENTITY_HEADER };
  const fake: AcrFake = Object.assign(front, {
    ...books,
    denied: new Set<string>(),
    untagged: new Map<string, string[]>(),
    pageSize: 1000,
    env,
  });
  return fake;
}

function identity(entra: TokenBook, { url, headers }: CloudRequest): CloudAnswer {
  if (headers['x-identity-header'] !== IDENTITY_HEADER) return { status: 401, body: { statusCode: 401, message: 'no identity' } };
  if (url.searchParams.get('resource') !== AUDIENCE)
    return { status: 400, body: { message: `unknown resource ${url.searchParams.get('resource')}` } };
  const { value, endsAt } = entra.give();
  return {
    status: 200,
    body: { access_token: value, expires_on: String(Math.floor(endsAt / 1000)), resource: AUDIENCE, token_type: 'Bearer' },
  };
}

function exchange(fake: AcrFake, body: string): CloudAnswer {
  const form = new URLSearchParams(body);
  if (form.get('grant_type') !== 'access_token' || form.get('service') !== fake.host)
    return refuse(400, 'BAD_REQUEST', 'grant_type, service');
  if (!fake.entra.find(form.get('access_token') ?? '')) return refuse(401, 'UNAUTHORIZED', 'authentication required');
  return { status: 200, body: { refresh_token: fake.refresh.give(['refresh']).value } };
}

async function token(fake: AcrFake, request: CloudRequest): Promise<CloudAnswer> {
  const form = request.method === 'POST' ? new URLSearchParams(await request.body()) : request.url.searchParams;
  const shown = request.method === 'POST' ? (form.get('refresh_token') ?? '') : basicOf(request.headers.authorization).password;
  if (request.method === 'POST' && form.get('grant_type') !== 'refresh_token') return refuse(400, 'BAD_REQUEST', 'grant_type');
  if (form.get('service') !== fake.host) return refuse(400, 'BAD_REQUEST', 'service');
  if (!fake.refresh.find(shown)) return refuse(401, 'UNAUTHORIZED', 'authentication required');
  const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
  const granted = scopes.map((scope) => {
    const at = scope.lastIndexOf(':');
    const actions = scope.slice(at + 1).split(',');
    return `${scope.slice(0, at)}:${actions.filter((action) => !fake.denied.has(action)).join(',')}`;
  });
  // It does not tell `expires_in`: the token itself does.
  return { status: 200, body: { access_token: fake.access.give(granted).value } };
}

function check(fake: AcrFake, request: CloudRequest): CloudAnswer | undefined {
  const { method, headers, url } = request;
  const scope = metadataScope(method, url.pathname) ?? scopeOf(method, url.pathname);
  const given = fake.access.find(bearerOf(headers.authorization));
  if (given && allows(given.grants, scope)) {
    request.endsAt = given.endsAt;
    return undefined;
  }
  const challenge = `Bearer realm="${fake.url}/oauth2/token",service="${fake.host}"${scope === undefined ? '' : `,scope="${scope}"`}`;
  const error = headers.authorization === undefined ? '' : `,error="${given ? 'insufficient_scope' : 'invalid_token'}"`;
  return refuse(401, 'UNAUTHORIZED', 'authentication required, visit https://aka.ms/acr/authorization for more information.', {
    'www-authenticate': challenge + error,
  });
}

function metadataScope(method: string, path: string): string | undefined {
  const name = /^\/acr\/v1\/(.+)\/_(?:tags|manifests)/.exec(path)?.[1];
  return name === undefined ? undefined : `repository:${name}:${method === 'DELETE' ? 'delete' : 'metadata_read'}`;
}

async function metadata(fake: AcrFake, upstream: string, { method, url }: CloudRequest): Promise<CloudAnswer> {
  const [, name = '', list, tag] = /^\/acr\/v1\/(.+)\/_(tags|manifests)(?:\/(.+))?$/.exec(url.pathname) ?? [];
  if (method === 'DELETE') {
    const { status } = await fetch(`${upstream}/v2/${name}/manifests/${tag}`, { method: 'DELETE' });
    return status === 404 ? refuse(404, 'TAG_UNKNOWN', 'the specified tag does not exist') : { status };
  }
  const tags = await tagsOf(upstream, name);
  if (!tags) return refuse(404, 'NAME_UNKNOWN', `repository "${name}" is not found`);
  const all = list === 'tags' ? tags.map((entry) => tagEntry(entry)) : manifestEntries(tags, fake.untagged.get(name) ?? []);
  const last = url.searchParams.get('last') ?? '';
  const left = all.filter(({ key }) => key > last);
  const page = left.slice(0, Math.min(Number(url.searchParams.get('n') ?? 100), fake.pageSize));
  const next = `</acr/v1/${name}/_${list}?last=${encodeURIComponent(page.at(-1)?.key ?? '')}&n=${page.length}&orderby=>; rel="next"`;
  return {
    status: 200,
    headers: page.length < left.length ? { link: next } : {},
    body: { registry: fake.host, imageName: name, [list ?? '']: page.map(({ entry }) => entry) },
  };
}

interface Entry {
  readonly key: string;
  readonly entry: unknown;
}

function tagEntry({ tag, digest }: TaggedDigest): Entry {
  const changeableAttributes = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
  const time = '2026-11-25T00:00:00.0000000Z';
  return { key: tag, entry: { name: tag, digest, createdTime: time, lastUpdateTime: time, signed: false, changeableAttributes } };
}

function manifestEntries(tags: readonly TaggedDigest[], untagged: readonly string[]): Entry[] {
  const digests = [...new Set([...tags.map(({ digest }) => digest), ...untagged])].sort();
  return digests.map((digest) => {
    const names = tags.filter((one) => one.digest === digest).map(({ tag }) => tag);
    return {
      key: digest,
      entry: {
        digest,
        imageSize: 1,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        ...(names.length > 0 ? { tags: names } : {}),
      },
    };
  });
}
