import { z } from 'zod';
import type { Digest } from '../../../model/digest.ts';
import { callJson } from '../../call-json.ts';
import type { Session } from '../../session.ts';
import { basicAuthorization, tokenAuthorization } from '../api-authorization.ts';
import { collectDigests, type TagDigest } from '../collect-digests.ts';

/** How a tag is kept: a folder of its name, with one of these in it, whose SHA-256 is the digest. */
const FILES = ['manifest.json', 'list.manifest.json'];

const RESULTS = z.looseObject({ results: z.array(z.looseObject({ path: z.string(), sha256: z.string().nullish() })) });

/**
 * The digests of all tags in one request, by Artifactory's query language.
 * @returns `undefined` where the registry is reached by a host of its own, which does not tell its repository key
 * @throws {RegistryError} PROTOCOL, UNREACHABLE, …
 * @see https://jfrog.com/help/r/jfrog-rest-apis/artifactory-query-language-aql
 */
export async function knownDigests(
  session: Session,
  repository: string,
  tags: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  const place = /^(.*)\/api\/docker\/([^/]+)\/?$/.exec(new URL(session.endpoint.url).pathname);
  return place ? collectDigests(tags, onePage(session, repository, place[1] ?? '', place[2] ?? '', signal)) : undefined;
}

async function* onePage(
  session: Session,
  repository: string,
  root: string,
  key: string,
  signal?: AbortSignal,
): AsyncGenerator<TagDigest[]> {
  const find = { repo: key, path: { $match: `${repository}/*` }, $or: FILES.map((name) => ({ name })) };
  const request = {
    method: 'POST',
    path: `${root}/api/search/aql`,
    headers: { 'content-type': 'text/plain' },
    body: new TextEncoder().encode(`items.find(${JSON.stringify(find)}).include("path","name","sha256")`),
    authorization: authorizationOf(session),
    signal,
  } as const;
  // Anonymous users may not search, nor may those without a licence for it.
  const answer = await callJson(session, request, RESULTS, [400, 401, 403, 404]);
  yield (answer?.body.results ?? []).map(({ path, sha256 }): TagDigest => [path.slice(repository.length + 1), `sha256:${sha256 ?? ''}`]);
}

function authorizationOf(session: Session): string | undefined {
  const { auth } = session.endpoint;
  return tokenAuthorization(session) ?? basicAuthorization(session) ?? (auth.type === 'bearer' ? `Bearer ${auth.token}` : undefined);
}
