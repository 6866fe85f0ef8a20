import { z } from 'zod';
import type { Digest } from '../../../model/digest.ts';
import { callJson } from '../../call-json.ts';
import type { Session } from '../../session.ts';
import { tokenAuthorization } from '../api-authorization.ts';
import { collectDigests, type TagDigest } from '../collect-digests.ts';

/** The most that Quay gives at once. */
const PAGE = 100;

const TAGS = z.looseObject({
  tags: z.array(z.looseObject({ name: z.string(), manifest_digest: z.string() })),
  has_additional: z.boolean().optional(),
});

/**
 * The digests of tags, 100 a request.
 * @returns `undefined` without a token
 * @throws {RegistryError} UNAUTHORIZED, PROTOCOL, UNREACHABLE, …
 * @see https://docs.quay.io/api/swagger/
 */
export async function knownDigests(
  session: Session,
  repository: string,
  tags: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  const authorization = tokenAuthorization(session);
  return authorization === undefined ? undefined : collectDigests(tags, pagesOf(session, repository, authorization, signal));
}

async function* pagesOf(session: Session, repository: string, authorization: string, signal?: AbortSignal): AsyncGenerator<TagDigest[]> {
  const path = `/api/v1/repository/${repository}/tag/`;
  for (let number = 1; ; number += 1) {
    const query = { onlyActiveTags: 'true', limit: String(PAGE), page: String(number) };
    // A token of another organization sees nothing here: HEAD does.
    const answer = await callJson(session, { method: 'GET', path, query, authorization, signal }, TAGS, [403, 404]);
    if (!answer) return;
    yield answer.body.tags.map(({ name, manifest_digest: digest }): TagDigest => [name, digest]);
    if (answer.body.has_additional !== true) return;
  }
}
