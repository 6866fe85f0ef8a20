import { isDigest, type Digest } from '../../../model/digest.ts';
import type { Session } from '../../session.ts';
import { listingError } from '../listing-error.ts';
import { askEcr, askEcrPublic, unless } from './client.ts';
import { ecrName, type EcrName } from './place.ts';

const PAGE = 1_000;

/** What DescribeImages tells of one image. */
interface Detail {
  readonly imageDigest?: string | undefined;
  readonly imageTags?: readonly string[] | undefined;
}

interface Answer {
  readonly imageDetails?: readonly Detail[];
  readonly nextToken?: string;
}

/**
 * All tags of a repository with their digests, 1,000 images a request.
 * @returns `undefined` without credentials of AWS, and for a repository that the account has not
 * @throws {TwinportError} LISTING (pages in a circle, a repository that vanishes between two of them), DENIED, UNREACHABLE, …
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
 */
export async function listTagDigests(
  session: Session,
  repository: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  const details = await describeImages(session, repository, 'TAGGED', signal);
  if (!details) return undefined;
  const found = new Map<string, Digest>();
  for (const { imageDigest, imageTags } of details) {
    if (isDigest(imageDigest)) for (const tag of imageTags ?? []) found.set(tag, imageDigest);
  }
  return found;
}

/**
 * Images that no tag names; those of an index are among them.
 * @returns `undefined` without credentials of AWS, and for a repository that the account has not
 * @throws {TwinportError} as `listTagDigests`
 */
export async function listUntagged(session: Session, repository: string, signal?: AbortSignal): Promise<readonly Digest[] | undefined> {
  const details = await describeImages(session, repository, 'UNTAGGED', signal);
  return details?.flatMap(({ imageDigest, imageTags }) => (isDigest(imageDigest) && (imageTags ?? []).length === 0 ? [imageDigest] : []));
}

/** The image that a tag stands for, with all its tags; `undefined` where there is none. */
export async function describeImage(session: Session, name: EcrName, imageTag: string, signal?: AbortSignal): Promise<Detail | undefined> {
  const answer = await unless(
    ['ImageNotFoundException', 'RepositoryNotFoundException'],
    ask(session, name, { imageIds: [{ imageTag }] }, signal),
  );
  return answer?.imageDetails?.[0];
}

async function describeImages(
  session: Session,
  repository: string,
  tagStatus: 'TAGGED' | 'UNTAGGED',
  signal?: AbortSignal,
): Promise<Detail[] | undefined> {
  const name = await ecrName(session, repository);
  if (!name) return undefined;
  const found: Detail[] = [];
  const cursors = new Set<string>();
  for (let nextToken: string | undefined; ;) {
    // ECR Public knows no filter: what is not asked for is left out here.
    const input = {
      maxResults: PAGE,
      ...(name.public ? {} : { filter: { tagStatus } }),
      ...(nextToken === undefined ? {} : { nextToken }),
    };
    const answer: Answer | undefined = await unless(['RepositoryNotFoundException'], ask(session, name, input, signal));
    if (!answer) {
      if (cursors.size === 0) return undefined;
      throw listingError(session, 'DescribeImages', 'the repository vanished between two pages', repository);
    }
    found.push(...(answer.imageDetails ?? []));
    nextToken = answer.nextToken;
    if (nextToken === undefined) return found;
    if (cursors.has(nextToken)) throw listingError(session, 'DescribeImages', 'its pages lead in a circle', repository);
    cursors.add(nextToken);
  }
}

type Input = Readonly<Record<string, unknown>>;

async function ask(
  session: Session,
  { public: isPublic, ...name }: EcrName,
  more: Input,
  signal?: AbortSignal,
): Promise<Answer | undefined> {
  const input = { ...name, ...more };
  const options = signal ? { abortSignal: signal } : {};
  if (isPublic)
    return (await askEcrPublic(session, 'DescribeImages', async (client) => {
      const { DescribeImagesCommand } = await import('@aws-sdk/client-ecr-public');
      return client.send(new DescribeImagesCommand(input), options);
    })) as Answer | undefined;
  return (await askEcr(session, 'DescribeImages', async (client) => {
    const { DescribeImagesCommand } = await import('@aws-sdk/client-ecr');
    return client.send(new DescribeImagesCommand(input), options);
  })) as Answer | undefined;
}
