import { guardedFront, refuse, type CloudAnswer, type GuardedFront, type CloudRequest } from './guarded-front.ts';
import { tagsOf } from './registry-content.ts';
import { basicOf, tokenBook, type TokenBook } from './tokens.ts';

/*
 * Amazon ECR: its API in the shapes of https://docs.aws.amazon.com/AmazonECR/latest/APIReference/ (GetAuthorizationToken, DescribeRepositories,
 * DescribeImages, CreateRepository, BatchDeleteImage; `ecr-public` likewise: https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/), and its
 * `/v2/`, which knows Basic with the user AWS, answers 403 to a token that has ended, and 404 to repositories that were not created
 * (https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html). The content is a real registry's.
 */

export const ACCOUNT = '123456789012';
const TARGETS = ['AmazonEC2ContainerRegistry_V20150921.', 'SpencerFrontendService.'];

export interface EcrFake extends GuardedFront {
  readonly tokens: TokenBook;
  /** What `expiresAt` says, where that is not the truth; in seconds. */
  claimedSeconds?: number | undefined;
  /** By name: the settings it was created with. */
  readonly repositories: Map<string, Readonly<Record<string, unknown>>>;
  readonly untagged: Map<string, string[]>;
  /** Digests that an index uses. */
  readonly referenced: Set<string>;
  /** Operations that the caller may not use. */
  readonly denied: Set<string>;
  readonly calls: { readonly operation: string; readonly input: Input }[];
  readonly env: Readonly<Record<string, string>>;
}

/** Starts one in front of the registry at `upstream`; its tokens live for `lifeSeconds`. `alias`: ECR Public's name of the registry. */
export async function ecrFake(upstream: string, lifeSeconds: number, alias?: string): Promise<EcrFake> {
  const front = await guardedFront(upstream, async (request): Promise<CloudAnswer | undefined> => {
    const operation = TARGETS.map((prefix) => String(request.headers['x-amz-target'] ?? '').split(prefix)[1]).find(Boolean);
    if (operation !== undefined) return answerCall(fake, { upstream, alias, operation }, request);
    return checkToken(fake, request) ?? checkContent(fake, upstream, alias, request);
  });
  const fake: EcrFake = Object.assign(front, {
    tokens: tokenBook(lifeSeconds),
    repositories: new Map<string, Readonly<Record<string, unknown>>>(),
    untagged: new Map<string, string[]>(),
    referenced: new Set<string>(),
    denied: new Set<string>(),
    calls: [],
    env: { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test-secret', AWS_REGION: 'eu-west-1' },
  });
  return fake;
}

type Input = Readonly<Record<string, unknown>>;
interface Call {
  readonly upstream: string;
  readonly alias: string | undefined;
  readonly operation: string;
}
type Operation = (fake: EcrFake, input: Input, call: Call) => CloudAnswer | Promise<CloudAnswer>;

async function answerCall(fake: EcrFake, call: Call, request: CloudRequest): Promise<CloudAnswer> {
  if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=AKIATEST/'))
    return problem('UnrecognizedClientException', 'The security token included in the request is invalid.');
  const input = JSON.parse(await request.body()) as Input;
  (fake.calls as { operation: string; input: Input }[]).push({ operation: call.operation, input });
  if (fake.denied.has(call.operation))
    return problem(
      'AccessDeniedException',
      `User: arn:aws:iam::${ACCOUNT}:user/mirror is not authorized to perform: ecr:${call.operation}`,
    );
  return OPERATIONS[call.operation]?.(fake, input, call) ?? problem('UnknownOperationException', '');
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GetAuthorizationToken(fake, _, { alias }) {
    const { value } = fake.tokens.give();
    const expiresAt = Date.now() / 1000 + (fake.claimedSeconds ?? fake.tokens.lifeSeconds);
    const given = { authorizationToken: Buffer.from(`AWS:${value}`).toString('base64'), expiresAt };
    return ok({ authorizationData: alias === undefined ? [{ ...given, proxyEndpoint: fake.url }] : given });
  },
  DescribeRegistries: (fake, _, { alias }) =>
    ok({ registries: [{ registryId: ACCOUNT, registryUri: `${fake.host}/${alias}`, verified: false, aliases: [{ name: alias }] }] }),
  DescribeRepositories(fake, input, { alias }) {
    const names = (input['repositoryNames'] as string[] | undefined) ?? [...fake.repositories.keys()].sort();
    const missing = names.find((name) => !fake.repositories.has(name));
    if (missing !== undefined) return noRepository(missing);
    const { page, nextToken } = paged(names, input);
    const prefix = alias === undefined ? '' : `${alias}/`;
    return ok({
      repositories: page.map((name) => ({ registryId: ACCOUNT, repositoryName: name, repositoryUri: `${fake.host}/${prefix}${name}` })),
      nextToken,
    });
  },
  CreateRepository(fake, input) {
    const name = String(input['repositoryName']);
    if (fake.repositories.has(name))
      return problem(
        'RepositoryAlreadyExistsException',
        `The repository with name '${name}' already exists in the registry with id '${ACCOUNT}'`,
      );
    fake.repositories.set(name, input);
    return ok({ repository: { registryId: ACCOUNT, repositoryName: name, repositoryUri: `${fake.host}/${name}` } });
  },
  async DescribeImages(fake, input, { upstream, alias }) {
    const name = String(input['repositoryName']);
    if (!fake.repositories.has(name)) return noRepository(name);
    const tags = (await tagsOf(upstream, alias === undefined ? name : `${alias}/${name}`)) ?? [];
    const digests = [...new Set([...tags.map(({ digest }) => digest), ...(fake.untagged.get(name) ?? [])])].sort();
    const details = digests.map((imageDigest) => {
      const imageTags = tags.filter(({ digest }) => digest === imageDigest).map(({ tag }) => tag);
      return { registryId: ACCOUNT, repositoryName: name, imageDigest, ...(imageTags.length > 0 ? { imageTags } : {}) };
    });
    const ids = input['imageIds'] as { imageTag?: string; imageDigest?: string }[] | undefined;
    const status = (input['filter'] as { tagStatus?: string } | undefined)?.tagStatus;
    const wanted = details.filter(({ imageDigest, imageTags }) => {
      if (status !== undefined && status !== 'ANY') return (status === 'TAGGED') === (imageTags !== undefined);
      return !ids || ids.some((id) => id.imageDigest === imageDigest || (id.imageTag !== undefined && imageTags?.includes(id.imageTag)));
    });
    if (ids && wanted.length === 0)
      return problem('ImageNotFoundException', `The image with imageId ${JSON.stringify(ids)} does not exist`);
    const { page, nextToken } = paged(wanted, input);
    return ok({ imageDetails: page, nextToken });
  },
  async BatchDeleteImage(fake, input, { upstream }) {
    const name = String(input['repositoryName']);
    if (!fake.repositories.has(name)) return noRepository(name);
    const imageIds: unknown[] = [];
    const failures: unknown[] = [];
    for (const imageId of input['imageIds'] as { imageTag?: string; imageDigest?: string }[]) {
      const failure = await deleteImage(fake, upstream, name, imageId);
      if (failure === undefined) imageIds.push(imageId);
      else failures.push({ imageId, failureCode: failure, failureReason: 'Requested image failed' });
    }
    return ok({ imageIds, failures });
  },
};

/** A tag goes alone only while the image has another; with its last tag the image goes. */
async function deleteImage(
  fake: EcrFake,
  upstream: string,
  name: string,
  { imageTag, imageDigest }: { imageTag?: string; imageDigest?: string },
): Promise<string | undefined> {
  const tags = (await tagsOf(upstream, name)) ?? [];
  const digest = imageTag === undefined ? imageDigest : tags.find(({ tag }) => tag === imageTag)?.digest;
  if (digest === undefined) return 'ImageNotFound';
  if (imageDigest !== undefined && imageDigest !== digest) return 'ImageTagDoesNotMatchDigest';
  const others = tags.filter((one) => one.digest === digest && one.tag !== imageTag);
  const whole = imageTag === undefined || others.length === 0;
  if (whole && fake.referenced.has(digest)) return 'ImageReferencedByManifestList';
  const { status } = await fetch(`${upstream}/v2/${name}/manifests/${whole ? digest : imageTag}`, { method: 'DELETE' });
  return status === 404 ? 'ImageNotFound' : undefined;
}

function checkToken(fake: EcrFake, request: CloudRequest): CloudAnswer | undefined {
  const { authorization } = request.headers;
  const challenge = { 'www-authenticate': `Basic realm="${fake.url}/",service="ecr.amazonaws.com"` };
  if (authorization === undefined) return { status: 401, headers: challenge, body: 'Not Authorized\n' };
  const { user, password } = basicOf(authorization);
  const given = fake.tokens.find(password);
  if (user !== 'AWS' || !given) return refuse(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
  request.endsAt = given.endsAt;
  return undefined;
}

async function checkContent(
  fake: EcrFake,
  upstream: string,
  alias: string | undefined,
  request: CloudRequest,
): Promise<CloudAnswer | undefined> {
  const { method, url } = request;
  if (url.pathname.startsWith('/v2/_catalog')) return { status: 404, body: '404 page not found\n' };
  const [, whole = '', rest = ''] = /^\/v2\/(.+?)\/((?:manifests|blobs|tags|referrers)\/.+)$/.exec(url.pathname) ?? [];
  const name = alias === undefined ? whole : whole.replace(`${alias}/`, '');
  if (name !== '' && !fake.repositories.has(name))
    return refuse(404, 'NAME_UNKNOWN', `The repository with name '${name}' does not exist in the registry with id '${ACCOUNT}'`);
  const reference = rest.startsWith('manifests/') ? rest.slice('manifests/'.length) : undefined;
  if (method === 'DELETE' && reference !== undefined) return { status: 404, body: '404 page not found\n' };
  if (method === 'PUT' && reference !== undefined && isImmutable(fake, name)) {
    if ((await tagsOf(upstream, whole))?.some(({ tag }) => tag === reference)) {
      const words = `The image tag '${reference}' already exists in the '${name}' repository and cannot be overwritten because the repository is immutable.`;
      return refuse(400, 'TAG_INVALID', words);
    }
  }
  return undefined;
}

function isImmutable(fake: EcrFake, name: string): boolean {
  return fake.repositories.get(name)?.['imageTagMutability'] === 'IMMUTABLE';
}

function paged<T>(all: readonly T[], input: Input): { page: T[]; nextToken?: string } {
  const from = Number(input['nextToken'] ?? 0);
  const to = from + Math.min(1_000, Number(input['maxResults'] ?? 100));
  return { page: all.slice(from, to), ...(to < all.length ? { nextToken: String(to) } : {}) };
}

function noRepository(name: string): CloudAnswer {
  return problem('RepositoryNotFoundException', `The repository with name '${name}' does not exist in the registry with id '${ACCOUNT}'`);
}

function ok(body: unknown): CloudAnswer {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
}

function problem(type: string, message: string): CloudAnswer {
  return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: { __type: type, message } };
}
