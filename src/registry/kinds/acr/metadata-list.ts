import type { z } from 'zod';
import { readJson } from '../../call-json.ts';
import { isRegistryError } from '../../errors.ts';
import { nextQuery } from '../../links.ts';
import type { Session } from '../../session.ts';
import type { RegistryRequest, RegistryResponse } from '../../transport/request.ts';
import { listingError } from '../listing-error.ts';

/** The most that is asked for; ACR may give fewer a page, and links to the next. */
const PAGE = '1000';

/**
 * Reads one of ACR's lists of what a repository holds, over all pages.
 * @param list `_tags`, `_manifests`
 * @returns the pages; none where the registry has no such list, does not know the repository, or grants no `metadata_read`
 * @throws {RegistryError} LISTING (pages in a circle, a repository that vanishes between two of them), PROTOCOL, UNREACHABLE, …
 * @see https://github.com/Azure/azure-rest-api-specs/tree/main/specification/containerregistry/data-plane
 */
export async function* metadataPages<T>(
  session: Session,
  repository: string,
  list: '_tags' | '_manifests',
  schema: z.ZodType<T>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const cursors = new Set<string>();
  for (let query: URLSearchParams | undefined = new URLSearchParams({ n: PAGE }); query !== undefined;) {
    const request: RegistryRequest = {
      method: 'GET',
      repository,
      path: list,
      url: `/acr/v1/${repository}/${list}`,
      query,
      scope: 'metadata',
      signal,
      accept: [200, 404],
    };
    const response: RegistryResponse | undefined = await ask(session, request);
    if (response?.status !== 200) {
      if (cursors.size === 0) return;
      throw listingError(session, list, 'the repository vanished between two pages', repository);
    }
    yield readJson(session, request, response, schema).body;
    query = nextQuery(session, request, response);
    if (query === undefined) return;
    if (cursors.has(query.toString())) throw listingError(session, list, 'its pages lead in a circle', repository);
    cursors.add(query.toString());
  }
}

async function ask(session: Session, request: RegistryRequest): Promise<RegistryResponse | undefined> {
  try {
    return await session.send(request);
  } catch (thrown) {
    // A token of a scope map may pull and have no right to metadata: the general way needs none.
    if (isRegistryError(thrown) && (thrown.status === 401 || thrown.status === 403)) return undefined;
    throw thrown;
  }
}
