import { ecrPlace } from '../../auth/ecr-place.ts';
import type { Session } from '../../session.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { askEcr, askEcrPublic } from './client.ts';

interface Answer {
  readonly repositories?: readonly { readonly repositoryName?: string; readonly repositoryUri?: string }[];
  readonly nextToken?: string;
}

/**
 * A page of the account's repositories; ECR has no `_catalog`.
 * @returns `undefined` without credentials of AWS
 * @throws {TwinportError} DENIED, UNREACHABLE, …
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
 */
export async function listRepositories(session: Session, { after, limit, signal }: CatalogOptions): Promise<CatalogPage | undefined> {
  const { public: isPublic, registryId } = ecrPlace(session.endpoint);
  const input = {
    maxResults: Math.max(1, Math.min(1_000, limit)),
    ...(after === undefined ? {} : { nextToken: after }),
    ...(registryId === undefined ? {} : { registryId }),
  };
  const options = signal ? { abortSignal: signal } : {};
  const answer = (await (isPublic
    ? askEcrPublic(session, 'DescribeRepositories', async (client) => {
        const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr-public');
        return client.send(new DescribeRepositoriesCommand(input), options);
      })
    : askEcr(session, 'DescribeRepositories', async (client) => {
        const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr');
        return client.send(new DescribeRepositoriesCommand(input), options);
      }))) as Answer | undefined;
  if (!answer) return undefined;
  const repositories = (answer.repositories ?? []).flatMap((one) => nameOf(one, isPublic) ?? []);
  return { repositories, ...(answer.nextToken === undefined ? {} : { next: answer.nextToken }) };
}

/** `/v2/` names a public repository with the registry's alias, as its URI does. */
function nameOf(
  { repositoryName, repositoryUri }: { repositoryName?: string; repositoryUri?: string },
  isPublic: boolean,
): string | undefined {
  return isPublic ? repositoryUri?.replace(/^[^/]*\//, '') : repositoryName;
}
