import type { Descriptor } from '../model/descriptor.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { registryError } from './errors.ts';
import { nextQuery } from './links.ts';
import { registryCodes } from './refusal.ts';
import type { Session } from './session.ts';
import { abortable } from './transport/abortable.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';

/** A registry may be upgraded while a worker runs: what it cannot do is asked again after a while. */
const FORGET_MS = 600_000;
const MAX_PAGES = 1_000;
const lacking = new WeakMap<Session, number>();
/** Where nobody knows yet whether there is the API, one question finds out for all that ask at the same time. */
const finding = new WeakMap<Session, Promise<unknown>>();

/**
 * Lists what refers to a manifest, over all pages.
 * @returns descriptors, none if nothing refers to it; `undefined` where the registry has no referrers API
 * @throws {RegistryError} LISTING (not an index, or pages without end), DENIED, UNREACHABLE, …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers(
  session: Session,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<Descriptor[] | undefined> {
  const first = finding.get(session);
  if (first && session.capabilities.referrers !== true) {
    await abortable(
      first.catch(() => undefined),
      signal,
    );
  }
  if (performance.now() - (lacking.get(session) ?? Number.NEGATIVE_INFINITY) < FORGET_MS) return undefined;
  const listed = listPages(session, repository, digest, signal);
  if (session.capabilities.referrers === true) return listed;
  finding.set(session, listed);
  try {
    return await listed;
  } finally {
    if (finding.get(session) === listed) finding.delete(session);
  }
}

async function listPages(session: Session, repository: string, digest: Digest, signal?: AbortSignal): Promise<Descriptor[] | undefined> {
  const found = new Map<Digest, Descriptor>();
  let query: URLSearchParams | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const request: RegistryRequest = {
      method: 'GET',
      repository,
      path: `referrers/${digest}`,
      scope: 'pull',
      signal,
      accept: [200, 404, 405],
      ...(query ? { query } : {}),
    };
    const response = await session.send(request);
    if (response.status !== 200) return noReferrers(session, request, response, page);
    session.capabilities.referrers = true;
    const before = found.size;
    for (const descriptor of readIndex(session, request, response)) found.set(descriptor.digest, descriptor);
    query = nextQuery(session, request, response);
    if (query === undefined) return [...found.values()];
    if (found.size === before) break;
  }
  throw registryError(session, { method: 'GET', repository, path: `referrers/${digest}` }, 'LISTING', 'its pages have no end');
}

function noReferrers(session: Session, request: RegistryRequest, response: RegistryResponse, page: number): undefined {
  if (page > 0) throw registryError(session, request, 'LISTING', 'the list vanished between two pages', { status: response.status });
  // Some that have the API say so of an unknown repository or manifest; the others' router has never heard of the path.
  const codes = registryCodes(new TextDecoder().decode(response.bytes));
  if (codes.includes('NAME_UNKNOWN') || codes.includes('MANIFEST_UNKNOWN') || session.capabilities.referrers === true) return undefined;
  session.capabilities.referrers = false;
  lacking.set(session, performance.now());
  return undefined;
}

function readIndex(session: Session, request: RegistryRequest, response: RegistryResponse): Descriptor[] {
  let entries: unknown;
  try {
    entries = (JSON.parse(new TextDecoder().decode(response.bytes)) as { manifests?: unknown } | null)?.manifests;
  } catch {
    entries = undefined;
  }
  // An empty list, as some registries that are written in Go write it.
  if (entries === null) return [];
  if (!Array.isArray(entries)) throw registryError(session, request, 'LISTING', 'the answer is no index of referrers', { status: 200 });
  return entries.map((entry: unknown) => {
    const { mediaType, digest, size } = (entry ?? {}) as Record<string, unknown>;
    if (!isDigest(digest) || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw registryError(session, request, 'LISTING', 'the index of referrers holds a broken descriptor', { status: 200 });
    }
    return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size };
  });
}
