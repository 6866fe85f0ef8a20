import { registryError, type RegistryError } from '../errors.ts';
import type { Session } from '../session.ts';
import type { RegistryRequest } from '../transport/request.ts';

/** A list of a kind's own API that cannot be used: cut, going in a circle, or not what was asked for. */
export function listingError(session: Session, path: string, says: string, repository?: string): RegistryError {
  const request: Pick<RegistryRequest, 'method' | 'path' | 'repository'> = { method: 'GET', path, repository };
  return registryError(session, request, 'LISTING', `the list cannot be used: ${says}`);
}
