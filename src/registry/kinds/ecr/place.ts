import { ecrPlace } from '../../auth/ecr-place.ts';
import type { Session } from '../../session.ts';
import { askEcrPublic } from './client.ts';

/** A repository as AWS's API names it. */
export interface EcrName {
  readonly public: boolean;
  readonly repositoryName: string;
  /** The account. */
  readonly registryId?: string;
}

const aliases = new WeakMap<Session, Promise<ReadonlySet<string> | undefined>>();

/**
 * A repository of `/v2/` as AWS's API names it: in ECR Public without the registry's alias.
 * @returns `undefined` where it belongs to somebody else, of whose repositories the API tells nothing
 * @throws {TwinportError} DENIED, UNREACHABLE, …
 */
export async function ecrName(session: Session, repository: string): Promise<EcrName | undefined> {
  const { registryId, public: isPublic } = ecrPlace(session.endpoint);
  const account = registryId === undefined ? {} : { registryId };
  if (!isPublic) return { public: false, repositoryName: repository, ...account };
  const slash = repository.indexOf('/');
  const own = (await ownAliases(session))?.has(repository.slice(0, slash)) ?? false;
  return own ? { public: true, repositoryName: repository.slice(slash + 1), ...account } : undefined;
}

/** Once a session: who else has a repository of the same name must not be taken for ours. */
function ownAliases(session: Session): Promise<ReadonlySet<string> | undefined> {
  const known = aliases.get(session) ?? readAliases(session);
  aliases.set(session, known);
  known.catch(() => aliases.delete(session));
  return known;
}

async function readAliases(session: Session): Promise<ReadonlySet<string> | undefined> {
  const answer = await askEcrPublic(session, 'DescribeRegistries', async (client) => {
    const { DescribeRegistriesCommand } = await import('@aws-sdk/client-ecr-public');
    return client.send(new DescribeRegistriesCommand({}));
  });
  return answer && new Set((answer.registries ?? []).flatMap(({ aliases: names }) => (names ?? []).flatMap(({ name }) => name ?? [])));
}
