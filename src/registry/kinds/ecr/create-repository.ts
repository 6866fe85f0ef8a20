import { isTwinportError } from '../../../model/failure.ts';
import type { CreateOptions } from '../../endpoint-create.ts';
import type { Session } from '../../session.ts';
import { askEcr, askEcrPublic, unless } from './client.ts';
import { ecrName, type EcrName } from './place.ts';

const NOT_FOUND = ['RepositoryNotFoundException'];
const EXISTS = ['RepositoryAlreadyExistsException'];

/**
 * Makes a repository unless it is there: without it ECR answers 404 to a push. Its settings are those of the endpoint's `create`; the tags' and
 * the key's can be set at the making only.
 * @throws {TwinportError} DENIED, UNAUTHORIZED (no right to `ecr:CreateRepository`), INVALID, QUOTA, UNREACHABLE, …
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
 */
export async function createRepository(session: Session, repository: string, signal?: AbortSignal): Promise<void> {
  // Without credentials of AWS somebody else must make it.
  const name = session.endpoint.auth.type === 'ecr' ? await ecrName(session, repository) : undefined;
  if (!name || (await isThere(session, name, signal))) return;
  const settings = session.endpoint.create === false ? {} : (session.endpoint.create ?? {});
  await unless(EXISTS, create(session, name, settings, signal));
}

/** A right to look is not needed where there is one to make. */
async function isThere(
  session: Session,
  { public: isPublic, repositoryName, ...account }: EcrName,
  signal?: AbortSignal,
): Promise<boolean> {
  const input = { ...account, repositoryNames: [repositoryName] };
  const options = signal ? { abortSignal: signal } : {};
  const looked = isPublic
    ? askEcrPublic(session, 'DescribeRepositories', async (client) => {
        const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr-public');
        return unless(NOT_FOUND, client.send(new DescribeRepositoriesCommand(input), options));
      })
    : askEcr(session, 'DescribeRepositories', async (client) => {
        const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr');
        return unless(NOT_FOUND, client.send(new DescribeRepositoriesCommand(input), options));
      });
  try {
    return (await looked) !== undefined;
  } catch (thrown) {
    if (isTwinportError(thrown) && thrown.code === 'UNAUTHORIZED') return false;
    throw thrown;
  }
}

async function create(
  session: Session,
  { public: isPublic, ...name }: EcrName,
  settings: CreateOptions,
  signal?: AbortSignal,
): Promise<unknown> {
  const tags = Object.entries(settings.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  const options = signal ? { abortSignal: signal } : {};
  if (isPublic)
    return askEcrPublic(session, 'CreateRepository', async (client) => {
      const { CreateRepositoryCommand } = await import('@aws-sdk/client-ecr-public');
      return client.send(new CreateRepositoryCommand({ repositoryName: name.repositoryName, tags }), options);
    });
  return askEcr(session, 'CreateRepository', async (client) => {
    const { CreateRepositoryCommand } = await import('@aws-sdk/client-ecr');
    const input = {
      ...name,
      tags,
      imageTagMutability: settings.immutableTags ? ('IMMUTABLE' as const) : ('MUTABLE' as const),
      imageScanningConfiguration: { scanOnPush: settings.scanOnPush ?? false },
      ...(settings.kmsKey === undefined ? {} : { encryptionConfiguration: { encryptionType: 'KMS' as const, kmsKey: settings.kmsKey } }),
    };
    return client.send(new CreateRepositoryCommand(input), options);
  });
}
