import { isRegistryError, registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { ApiRequest } from '../../transport/call-api.ts';
import { basicAuthorization } from '../api-authorization.ts';
import { harborName } from './names.ts';

const PROJECTS = '/api/v2.0/projects';

/**
 * Makes the project of a repository, if it is not there; the repository itself comes with the first push.
 * @throws {RegistryError} NAME (a repository without a project), DENIED (these credentials may not make one), UNREACHABLE, …
 */
export async function createRepository(session: Session, repository: string, signal?: AbortSignal): Promise<void> {
  const { project, rest } = harborName(repository);
  const base = { authorization: basicAuthorization(session), path: PROJECTS, signal };
  const post: ApiRequest = { ...base, method: 'POST', ...bodyOf(session, project), accept: [201, 409] };
  if (rest === '') {
    const says = `not sent: Harbor keeps repositories in projects, and ${repository} names none: set path, such as mirror/{repository}`;
    throw registryError(session, post, 'NAME', says);
  }
  const asked = await session.call({ ...base, method: 'HEAD', query: { project_name: project }, accept: [200, 401, 403, 404] });
  // Whoever may not ask may still be allowed to push: the push itself will tell.
  if (asked.status !== 404) return;
  try {
    await session.call(post);
  } catch (thrown) {
    throw explained(session, post, project, thrown);
  }
}

function bodyOf(session: Session, project: string): Pick<ApiRequest, 'headers' | 'body'> {
  const { public: open = false, storageLimit } = session.endpoint.create || {};
  const body = {
    project_name: project,
    metadata: { public: String(open) },
    ...(storageLimit === undefined ? {} : { storage_limit: storageLimit }),
  };
  return { headers: { 'content-type': 'application/json' }, body: new TextEncoder().encode(JSON.stringify(body)) };
}

function explained(session: Session, request: ApiRequest, project: string, thrown: unknown): unknown {
  if (!isRegistryError(thrown) || (thrown.code !== 'DENIED' && thrown.code !== 'UNAUTHORIZED')) return thrown;
  const says = `there is no project ${project}, and these credentials may not make one (${thrown.status ?? ''}): make it in Harbor, or use a system robot that may create projects`;
  return registryError(session, request, 'DENIED', says, { status: thrown.status, codes: thrown.codes, cause: thrown });
}
