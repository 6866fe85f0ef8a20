import { ownApi } from './kinds/own-apis.ts';
import type { Session } from './session.ts';
import { abortable } from './transport/abortable.ts';

const TIMEOUT_MS = 60_000;

/** Repositories that were seen to be ready, or that somebody is making ready. */
const ready = new WeakMap<Session, Map<string, Promise<void>>>();

/**
 * Sees to it that a repository can be pushed to, where the registry wants it made first; asked once a session and repository.
 * @throws {RegistryError} DENIED, QUOTA, NAME, UNREACHABLE, …
 */
export function ensureRepository(session: Session, repository: string, signal?: AbortSignal): Promise<void> {
  const create = ownApi(session).createRepository;
  if (!create || session.endpoint.create === false) return Promise.resolve();
  const known = ready.get(session) ?? new Map<string, Promise<void>>();
  ready.set(session, known);
  let making = known.get(repository);
  if (!making) {
    // Many wait for it: none of their signals may end it.
    making = create(session, repository, AbortSignal.timeout(TIMEOUT_MS));
    known.set(repository, making);
    // What failed is tried again by the next who asks.
    making.catch(() => known.delete(repository));
  }
  return abortable(making, signal);
}
