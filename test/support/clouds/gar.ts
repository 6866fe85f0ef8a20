import { guardedFront, refuse, type CloudAnswer, type GuardedFront, type CloudRequest } from './guarded-front.ts';
import { tagsOf } from './registry-content.ts';
import { allows, basicOf, bearerOf, scopeOf, tokenBook, type TokenBook } from './tokens.ts';

/*
 * Google Artifact Registry: `/v2/` as https://cloud.google.com/artifact-registry/docs/docker/authentication and
 * https://github.com/google/go-containerregistry/blob/main/pkg/v1/google/list.go (the longer list of tags) have it, its API as
 * https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages/list, the metadata server of
 * https://cloud.google.com/compute/docs/access/authenticate-workloads, and the token exchange of https://cloud.google.com/iam/docs/reference/sts/rest.
 * The content is a real registry's.
 */

const METADATA = '/computeMetadata/v1/';
const FLAVOR = { 'metadata-flavor': 'Google' };
const SUBJECT_TOKEN = 'subject-token-1';

export interface GarFake extends GuardedFront {
  /** Of Google's accounts; of the registry. */
  readonly google: TokenBook;
  readonly registry: TokenBook;
  /** The images of the repositories that its API knows: `projects/p/locations/l/repositories/r` → packages. */
  readonly packages: Map<string, string[]>;
  /** Manifests without a tag, by name in `/v2/`. */
  readonly untagged: Map<string, string[]>;
  /** The list of tags has no `manifest` object. */
  plainTags: boolean;
  /** Of a workload on Google's machines. */
  readonly env: Readonly<Record<string, string>>;
  /** The credential configuration of a workload elsewhere; it reads its own token from `tokenFile`, which must hold `subjectToken`. */
  keyFile(tokenFile: string): string;
  readonly subjectToken: string;
}

/** Starts one in front of the registry at `upstream`; its tokens live for `lifeSeconds`. */
export async function garFake(upstream: string, lifeSeconds: number): Promise<GarFake> {
  const front = await guardedFront(upstream, async (request): Promise<CloudAnswer | undefined> => {
    const { pathname } = request.url;
    if (pathname.startsWith(METADATA) || pathname === '/') return metadata(fake, request);
    if (pathname === '/sts') return exchange(fake, await request.body());
    if (pathname === '/v2/token') return token(fake, request);
    if (pathname.startsWith('/v1/projects/')) return answerApi(fake, request);
    return check(fake, request) ?? answerContent(fake, upstream, request);
  });
  const fake: GarFake = Object.assign(front, {
    google: tokenBook(lifeSeconds),
    registry: tokenBook(lifeSeconds),
    packages: new Map<string, string[]>(),
    untagged: new Map<string, string[]>(),
    plainTags: false,
    env: { GCE_METADATA_HOST: front.host },
    subjectToken: SUBJECT_TOKEN,
    keyFile: (file: string) =>
      JSON.stringify({
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${front.url}/sts`,
        credential_source: { file },
      }),
  });
  return fake;
}

function metadata(fake: GarFake, { url, headers }: CloudRequest): CloudAnswer {
  if (headers['metadata-flavor'] !== 'Google') return { status: 403, headers: FLAVOR, body: 'Missing Metadata-Flavor:Google header.' };
  if (!url.pathname.endsWith('/service-accounts/default/token')) return { status: 200, headers: FLAVOR, body: 'ok' };
  const { value, endsAt } = fake.google.give();
  return {
    status: 200,
    headers: FLAVOR,
    body: { access_token: value, expires_in: Math.floor((endsAt - Date.now()) / 1000), token_type: 'Bearer' },
  };
}

function exchange(fake: GarFake, body: string): CloudAnswer {
  const form = new URLSearchParams(body);
  const right = form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:token-exchange' && form.get('subject_token') === SUBJECT_TOKEN;
  if (!right) return { status: 400, body: { error: 'invalid_grant', error_description: 'The given credential is rejected.' } };
  const { value, endsAt } = fake.google.give();
  const type = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer' };
  return { status: 200, body: { access_token: value, ...type, expires_in: Math.floor((endsAt - Date.now()) / 1000) } };
}

function token(fake: GarFake, { method, url, headers }: CloudRequest): CloudAnswer {
  if (method !== 'GET') return { status: 405 };
  const { user, password } = basicOf(headers.authorization);
  if (user !== 'oauth2accesstoken' || !fake.google.find(password)) return refuse(401, 'UNAUTHORIZED', 'authentication failed');
  const { value } = fake.registry.give(url.searchParams.getAll('scope'));
  return { status: 200, body: { token: value, expires_in: fake.registry.lifeSeconds, issued_at: new Date().toISOString() } };
}

function check(fake: GarFake, request: CloudRequest): CloudAnswer | undefined {
  const { method, headers, url } = request;
  const scope = scopeOf(method, url.pathname);
  const given = fake.registry.find(bearerOf(headers.authorization));
  if (given && allows(given.grants, scope)) {
    request.endsAt = given.endsAt;
    return undefined;
  }
  const challenge = `Bearer realm="${fake.url}/v2/token",service="${fake.host}"${scope === undefined ? '' : `,scope="${scope}"`}`;
  return refuse(401, 'UNAUTHORIZED', 'unauthorized', { 'www-authenticate': challenge });
}

async function answerContent(fake: GarFake, upstream: string, { method, url }: CloudRequest): Promise<CloudAnswer | undefined> {
  if (url.pathname.startsWith('/v2/_catalog')) return { status: 200, body: { repositories: [] } };
  if (method === 'PATCH') return refuse(400, 'UNSUPPORTED', 'chunked uploads are not supported');
  const [, name = '', list, reference] = /^\/v2\/(.+)\/(tags\/list|manifests\/(.+))$/.exec(url.pathname) ?? [];
  if (list === 'tags/list' && !fake.plainTags) return tagList(fake, upstream, name);
  if (method === 'DELETE' && reference?.startsWith('sha256:')) {
    const used = (await tagsOf(upstream, name))?.some(({ digest }) => digest === reference);
    if (used) return refuse(400, 'GOOGLE_MANIFEST_DANGLING_TAG', `Manifest is still referenced by tag: ${reference}`);
  }
  return undefined;
}

async function tagList(fake: GarFake, upstream: string, name: string): Promise<CloudAnswer> {
  const tags = await tagsOf(upstream, name);
  if (!tags) return refuse(404, 'NAME_UNKNOWN', `Repository "${name}" not found`);
  const manifest: Record<string, unknown> = {};
  for (const digest of [...tags.map((one) => one.digest), ...(fake.untagged.get(name) ?? [])]) {
    const tag = tags.filter((one) => one.digest === digest).map((one) => one.tag);
    manifest[digest] = {
      imageSizeBytes: '1',
      layerId: '',
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      tag,
      timeCreatedMs: '0',
      timeUploadedMs: '0',
    };
  }
  return { status: 200, body: { child: [], manifest, name, tags: tags.map(({ tag }) => tag) } };
}

function answerApi(fake: GarFake, { url, headers }: CloudRequest): CloudAnswer {
  if (!fake.google.find(bearerOf(headers.authorization))) return apiError(401, 'UNAUTHENTICATED');
  const parent = decodeURIComponent(url.pathname.slice('/v1/'.length));
  if (parent.endsWith('/packages')) {
    const repository = parent.slice(0, -'/packages'.length);
    const images = fake.packages.get(repository);
    if (!images) return apiError(404, 'NOT_FOUND');
    return page(
      'packages',
      images.map((image) => ({ name: `${repository}/packages/${encodeURIComponent(image)}` })),
      url,
    );
  }
  const prefix = `${parent}/`;
  const repositories = [...fake.packages.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name, format: 'DOCKER' }));
  return page('repositories', [...repositories, { name: `${parent}/python`, format: 'PYTHON' }], url);
}

function page(field: string, all: readonly unknown[], { searchParams }: URL): CloudAnswer {
  const from = Number(searchParams.get('pageToken') ?? 0);
  const to = from + Number(searchParams.get('pageSize') ?? 100);
  return { status: 200, body: { [field]: all.slice(from, to), ...(to < all.length ? { nextPageToken: String(to) } : {}) } };
}

function apiError(code: number, status: string): CloudAnswer {
  return { status: code, body: { error: { code, message: status.toLowerCase(), status } } };
}
