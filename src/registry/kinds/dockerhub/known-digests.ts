import { z } from 'zod';
import type { Digest } from '../../../model/digest.ts';
import { isRegistryError } from '../../errors.ts';
import type { Session } from '../../session.ts';
import { collectDigests, type TagDigest } from '../collect-digests.ts';
import { hubPage } from './hub.ts';

const TAG = z.looseObject({ name: z.string(), digest: z.string().nullish() });

/** What says that the Hub's API is closed to these credentials: an access token may be for pulling only. */
const CLOSED: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'DENIED']);

/**
 * The digests of tags, 100 a request. An old tag may have none: it is asked for by HEAD, which costs nothing of the pull limit.
 * @throws {RegistryError} RATE_LIMITED, PROTOCOL, UNREACHABLE, …
 */
export async function knownDigests(
  session: Session,
  repository: string,
  tags: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  try {
    return await collectDigests(tags, pagesOf(session, repository, signal));
  } catch (thrown) {
    if (isRegistryError(thrown) && CLOSED.has(thrown.code) && session.endpoint.api?.token === undefined) return undefined;
    throw thrown;
  }
}

async function* pagesOf(session: Session, repository: string, signal?: AbortSignal): AsyncGenerator<TagDigest[]> {
  const [namespace = '', ...rest] = repository.split('/');
  const path = `/v2/namespaces/${encodeURIComponent(namespace)}/repositories/${encodeURIComponent(rest.join('/'))}/tags`;
  for (let number = 1; ; number += 1) {
    const page = await hubPage(session, path, TAG, number, signal);
    if (!page) return;
    yield page.items.map(({ name, digest }): TagDigest => [name, digest ?? '']);
    if (!page.more) return;
  }
}
