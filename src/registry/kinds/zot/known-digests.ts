import { z } from 'zod';
import type { Digest } from '../../../model/digest.ts';
import { readJson } from '../../call-json.ts';
import { isRegistryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import type { RegistryRequest } from '../../transport/request.ts';
import { collectDigests, type TagDigest } from '../collect-digests.ts';

const PATH = '_zot/ext/search';

const ANSWER = z.looseObject({
  data: z.looseObject({ ImageList: z.looseObject({ Results: z.array(z.looseObject({ Tag: z.string(), Digest: z.string() })) }) }).nullish(),
});

/** Servers that turned out to have no search. */
const without = new WeakSet<Session>();

/** A server without the extension, or one that keeps it for others. */
const CLOSED: ReadonlySet<string> = new Set(['NOT_FOUND', 'UNSUPPORTED', 'DENIED', 'UNAUTHORIZED']);

/**
 * The digests of all tags in one request. The search leaves signatures out, and what was pushed before it was switched on may be missing.
 * @returns `undefined` where the search extension is not there, or not for these credentials
 * @throws {RegistryError} PROTOCOL, UNREACHABLE, …
 * @see https://github.com/project-zot/zot/blob/v2.1.8/pkg/extensions/search/schema.graphql
 */
export async function knownDigests(
  session: Session,
  repository: string,
  tags: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  if (without.has(session)) return undefined;
  try {
    return await collectDigests(tags, onePage(session, repository, signal));
  } catch (thrown) {
    if (!isRegistryError(thrown) || !CLOSED.has(thrown.code)) throw thrown;
    without.add(session);
    return undefined;
  }
}

async function* onePage(session: Session, repository: string, signal?: AbortSignal): AsyncGenerator<TagDigest[]> {
  // The names of repositories hold nothing that a GraphQL string would have to escape; JSON's quotes are GraphQL's.
  const query = `{ImageList(repo:${JSON.stringify(repository)}){Results{Tag Digest}}}`;
  const request: RegistryRequest = { method: 'GET', path: PATH, query: { query }, scope: 'any', signal, accept: [200] };
  const { body } = readJson(session, request, await session.send(request), ANSWER);
  yield (body.data?.ImageList.Results ?? []).map(({ Tag, Digest: digest }): TagDigest => [Tag, digest]);
}
