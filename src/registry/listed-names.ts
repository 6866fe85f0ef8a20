import { registryError, type Peer } from './errors.ts';

/** Longer ones are nowhere allowed, and would fill histories. */
const LONGEST = 1_024;

/**
 * Looks through names that a registry lists. One that is merely not allowed fails for itself, where it is used; one with control characters or half
 * letters in it can be neither stored nor shown, so the list is none.
 * @throws {RegistryError} LISTING
 */
export function requireCarriable(peer: Peer, path: 'tags/list' | '_catalog', names: Iterable<string>, repository?: string): void {
  for (const name of names) {
    if (name.length <= LONGEST && !/[\p{Cc}\p{Cs}]/u.test(name)) continue;
    const shown = JSON.stringify(name.slice(0, 60).replace(/\p{Cs}/gu, '?'));
    throw registryError(peer, { method: 'GET', path, repository }, 'LISTING', `the list cannot be used: ${shown} can be no name`);
  }
}
