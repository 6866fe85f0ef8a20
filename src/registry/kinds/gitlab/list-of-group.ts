import { z } from 'zod';
import { callJson } from '../../call-json.ts';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import { tokenAuthorization } from '../api-authorization.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { numberedList, type NumberedPage } from '../numbered-list.ts';

const PAGE = 100;
const REPOSITORIES = z.array(z.looseObject({ path: z.string() }));

/**
 * A page of the registry repositories of a group with all its subgroups, or of a project, by GitLab's own API.
 * @throws {RegistryError} CONFIG (no `api.url`), NOT_FOUND (neither a group nor a project), UNAUTHORIZED, LISTING, …
 * @see https://docs.gitlab.com/api/container_registry/#list-registry-repositories
 */
export async function listOfGroup(session: Session, namespace: string, options: CatalogOptions): Promise<CatalogPage> {
  const id = encodeURIComponent(namespace);
  for (const owner of ['groups', 'projects']) {
    const path = `/api/v4/${owner}/${id}/registry/repositories`;
    requireUrl(session, path);
    const page = await numberedList(session, path, options, (number) => readPage(session, path, number, options.signal));
    if (page) return page;
  }
  const request = { method: 'GET', path: `/api/v4/groups/${id}` } as const;
  throw registryError(session, request, 'NOT_FOUND', 'no group or project of this name that the token may see', { status: 404 });
}

async function readPage(session: Session, path: string, page: number, signal?: AbortSignal): Promise<NumberedPage | undefined> {
  const query = { per_page: String(PAGE), page: String(page) };
  const request = { method: 'GET', path, query, authorization: tokenAuthorization(session), signal } as const;
  const answer = await callJson(session, request, REPOSITORIES, [404]);
  if (!answer) return undefined;
  return { items: answer.body.map((item) => item.path), more: (answer.header('x-next-page') ?? '') !== '' };
}

/** The registry's host is not GitLab's, and its token is for nobody else. */
function requireUrl(session: Session, path: string): void {
  if (session.endpoint.api?.url !== undefined) return;
  throw registryError(session, { method: 'GET', path }, 'CONFIG', 'not sent: api.token wants api.url, the address of GitLab itself');
}
