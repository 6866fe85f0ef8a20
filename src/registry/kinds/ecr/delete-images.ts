import { isDigest, type Digest } from '../../../model/digest.ts';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { Untagged } from '../kind.ts';
import { askEcr, askEcrPublic } from './client.ts';
import { describeImage } from './images.ts';
import { ecrName, type EcrName } from './place.ts';

interface ImageId {
  readonly imageTag?: string;
  readonly imageDigest?: Digest;
}

interface Answer {
  readonly failures?: readonly { readonly failureCode?: string | undefined; readonly failureReason?: string | undefined }[] | undefined;
}

/**
 * Takes one tag away, where the image has others.
 * @returns `unsupported` for an image's last tag, with which ECR deletes the image; `undefined` without credentials of AWS
 * @throws {TwinportError} DENIED, INVALID, UNREACHABLE, …
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
 */
export async function untag(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Untagged | undefined> {
  const name = session.endpoint.auth.type === 'ecr' ? await ecrName(session, repository) : undefined;
  if (!name) return undefined;
  const image = await describeImage(session, name, tag, signal);
  if (!image) return 'absent';
  if (!isDigest(image.imageDigest) || (image.imageTags ?? []).length < 2) return 'unsupported';
  // With both, ECR deletes only if the tag still stands for this image.
  return (await deleteImage(session, repository, name, { imageTag: tag, imageDigest: image.imageDigest }, signal)) ?? 'unsupported';
}

/**
 * Deletes an image and its tags.
 * @returns `undefined` without credentials of AWS
 * @throws {TwinportError} DENIED, INVALID (an index uses it), UNREACHABLE, …
 */
export async function deleteManifest(
  session: Session,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<'deleted' | 'absent' | undefined> {
  const name = session.endpoint.auth.type === 'ecr' ? await ecrName(session, repository) : undefined;
  return name && deleteImage(session, repository, name, { imageDigest: digest }, signal);
}

async function deleteImage(
  session: Session,
  repository: string,
  name: EcrName,
  imageId: ImageId,
  signal?: AbortSignal,
): Promise<'deleted' | 'absent' | undefined> {
  const answer = await ask(session, name, imageId, signal);
  if (!answer) return undefined;
  const failure = answer.failures?.[0];
  if (!failure) return 'deleted';
  if (failure.failureCode === 'ImageNotFound') return 'absent';
  const request = { method: 'DELETE' as const, path: `image ${imageId.imageTag ?? imageId.imageDigest}`, repository };
  throw registryError(session, request, 'INVALID', `ECR answered ${failure.failureCode}: ${failure.failureReason ?? 'no reason'}`, {
    codes: [failure.failureCode ?? ''],
  });
}

async function ask(
  session: Session,
  { public: isPublic, ...name }: EcrName,
  imageId: ImageId,
  signal?: AbortSignal,
): Promise<Answer | undefined> {
  const input = { ...name, imageIds: [imageId] };
  const options = signal ? { abortSignal: signal } : {};
  if (isPublic)
    return askEcrPublic(session, 'BatchDeleteImage', async (client) => {
      const { BatchDeleteImageCommand } = await import('@aws-sdk/client-ecr-public');
      return client.send(new BatchDeleteImageCommand(input), options);
    });
  return askEcr(session, 'BatchDeleteImage', async (client) => {
    const { BatchDeleteImageCommand } = await import('@aws-sdk/client-ecr');
    return client.send(new BatchDeleteImageCommand(input), options);
  });
}
