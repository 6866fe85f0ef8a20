import { z } from 'zod';
import { googleToken } from '../../auth/google-token.ts';
import { callJson } from '../../call-json.ts';
import { registryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { CatalogOptions, CatalogPage } from '../kind.ts';
import { listingError } from '../listing-error.ts';
import { listByNamespace } from '../namespaces.ts';
import { garPlace } from './place.ts';

const API = 'https://artifactregistry.googleapis.com';
const PAGE = '1000';
const REPOSITORIES = z.looseObject({
  repositories: z.array(z.looseObject({ name: z.string(), format: z.string().optional() })).optional(),
  nextPageToken: z.string().optional(),
});
const PACKAGES = z.looseObject({ packages: z.array(z.looseObject({ name: z.string() })).optional(), nextPageToken: z.string().optional() });

/**
 * A page of the images of the configured projects, by Artifact Registry's API: its `_catalog` is empty whatever there is.
 * @throws {RegistryError} CONFIG (no `namespaces`, or no `auth: { type: gar }`), LISTING, NOT_FOUND (no such project), DENIED, UNREACHABLE, …
 * @see https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages/list
 */
export async function listRepositories(session: Session, options: CatalogOptions): Promise<CatalogPage> {
  const { auth, namespaces } = session.endpoint;
  if (auth.type !== 'gar' || !namespaces?.length) {
    const want =
      'to list the images of Artifact Registry, auth: { type: gar } and namespaces: [PROJECT] are needed; or name them in catalog: […]';
    throw registryError(session, { method: 'GET', path: 'repositories' }, 'CONFIG', want);
  }
  return listByNamespace(session, options, (namespace, after) => pageOf(session, placeOf(session, namespace), after, options.signal));
}

/** What a namespace stands for: `project`, `project/repository`, or, where the host does not tell the location, the API's own name of either. */
function placeOf(session: Session, namespace: string): Place {
  const [, ...full] = /^projects\/([^/]+)\/locations\/([^/]+)(?:\/repositories\/([^/]+))?$/.exec(namespace) ?? [];
  const host = garPlace(new URL(session.endpoint.url).hostname);
  const [project = '', repository] = full.length > 0 ? [full[0], full[2]] : namespace.split('/');
  const location = full[1] ?? host?.location;
  if (location === undefined) {
    const want = `the host does not tell its location: write namespaces: [projects/${project}/locations/LOCATION]`;
    throw registryError(session, { method: 'GET', path: 'repositories' }, 'CONFIG', want);
  }
  const one = host?.repository ?? repository;
  return {
    parent: `projects/${project}/locations/${location}`,
    ...(one === undefined ? {} : { repository: one }),
    prefix: (current) => (host?.repository === undefined ? `${project}/${current}` : project.replace(':', '/')),
  };
}

interface Place {
  readonly parent: string;
  /** Absent: all of the project's. */
  readonly repository?: string;
  /** What stands before an image's name in `/v2/`. */
  prefix(repository: string): string;
}

/** A place in the list is `<repository>|<page token>`; each page is of one repository. */
async function pageOf(session: Session, place: Place, after: string | undefined, signal?: AbortSignal): Promise<CatalogPage> {
  const repositories = place.repository === undefined ? await dockerRepositories(session, place.parent, signal) : [place.repository];
  const [current = repositories[0], token] = after?.split('|') ?? [];
  if (current === undefined) return { repositories: [] };
  const answer = await ask(session, `${place.parent}/repositories/${current}/packages`, PACKAGES, token, signal);
  const names = (answer.packages ?? []).map(
    ({ name }) => `${place.prefix(current)}/${decodeURIComponent(name.slice(name.lastIndexOf('/') + 1))}`,
  );
  // One that was made or deleted meanwhile changes the places, not the names.
  const following = repositories.find((name) => name > current);
  const next = answer.nextPageToken ? `${current}|${answer.nextPageToken}` : following;
  return { repositories: names, ...(next === undefined ? {} : { next }) };
}

async function dockerRepositories(session: Session, parent: string, signal?: AbortSignal): Promise<string[]> {
  const found = new Set<string>();
  for (let token: string | undefined; ;) {
    const before = found.size;
    const answer: z.output<typeof REPOSITORIES> = await ask(session, `${parent}/repositories`, REPOSITORIES, token, signal);
    for (const { name, format } of answer.repositories ?? []) if (format === 'DOCKER') found.add(name.slice(name.lastIndexOf('/') + 1));
    if (!answer.nextPageToken) return [...found].sort();
    if (token === answer.nextPageToken && found.size === before) throw listingError(session, 'repositories', 'its pages lead in a circle');
    token = answer.nextPageToken;
  }
}

async function ask<T>(
  session: Session,
  path: string,
  schema: z.ZodType<T>,
  pageToken: string | undefined,
  signal?: AbortSignal,
): Promise<T> {
  const { auth } = session.endpoint;
  if (auth.type !== 'gar') throw new Error('no credentials of Google');
  const { value } = await googleToken(session, auth)();
  const query = { pageSize: PAGE, ...(pageToken === undefined ? {} : { pageToken }) };
  const request = { method: 'GET' as const, base: API, path: `/v1/${path}`, query, authorization: `Bearer ${value}`, signal };
  const answer = await callJson(session, request, schema);
  if (!answer) throw registryError(session, request, 'PROTOCOL', 'answered without a list');
  return answer.body;
}
