import { TwinportError } from '../../model/failure.ts';
import { nameOf, type Peer } from '../errors.ts';
import { isAddress } from '../transport/address-range.ts';
import { isAtHost } from '../transport/host-pattern.ts';

/** Token services of registries whose vendor keeps them at another name. */
const KNOWN: Readonly<Record<string, string>> = {
  'registry-1.docker.io': 'auth.docker.io',
  'index.docker.io': 'auth.docker.io',
  'docker.io': 'auth.docker.io',
};

/**
 * Refuses to show credentials to a token service that is not known to be the registry's: whoever can change one answer of the registry, or answers in
 * its place, would have them sent to a host of his own. Anonymous tokens may come from anywhere.
 * @throws {TwinportError} CONFIG (another host, which the configuration does not trust)
 */
export function requireTrustedRealm(peer: Peer, realm: URL): void {
  const registry = new URL(peer.endpoint.url);
  if (isOwn(realm.hostname, registry.hostname) || KNOWN[registry.hostname] === realm.hostname) return;
  if (isAtHost(realm, peer.endpoint.trust?.tokens ?? [])) return;
  throw new TwinportError(
    'CONFIG',
    `${nameOf(peer)} names a token service at ${realm.host}, another host, which would be shown the credentials: if it is the registry's own, write trust: { tokens: [${realm.host}] } beside its url`,
    { retry: 'later' },
  );
}

/** The registry's own host, or the domain that it lies in: who holds that decides what the registry's name stands for anyway. */
function isOwn(realm: string, registry: string): boolean {
  return realm === registry || (!isAddress(realm) && realm.includes('.') && registry.endsWith(`.${realm}`));
}
