import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Endpoint } from '../endpoint.ts';
import { addressRange, isAddress, type AddressRange } from './address-range.ts';
import { isAtHost } from './host-pattern.ts';

/** The code of the error that a forbidden destination ends with. */
export const FORBIDDEN_ADDRESS = 'TWINPORT_ADDRESS';

/** Where a registry's answers may lead us: redirects, token realms, the locations of uploads. */
export interface Destinations {
  /** The registry's own host or its API's, or one that the configuration trusts: wherever that is. */
  isNamed(url: URL): boolean;
  /**
   * Looks at a host that is an address; a name passes, its addresses are looked at when it is resolved.
   * @throws {Error} with the code TWINPORT_ADDRESS
   */
  check(hostname: string): void;
  /** Resolves the name of the registry itself, and remembers how far inside it is. */
  readonly own: LookupFunction;
  /** Resolves another name, and keeps of its addresses those that the registry may lead to; the error TWINPORT_ADDRESS where there are none. */
  readonly foreign: LookupFunction;
}

/** From the outside to the inside: who is further in may lead to what is further out. Nobody's storage is at a reserved address. */
const DEPTH: Readonly<Record<AddressRange, number>> = { public: 0, private: 1, loopback: 2, reserved: Number.POSITIVE_INFINITY };

/**
 * The rule for one endpoint: an answer may lead to its own host, to hosts that the configuration names, to public addresses, and to private or
 * loopback ones if the registry itself is at such an address. Names are judged by the addresses to which we then connect, so that a name which
 * changes its address meanwhile gains nothing.
 */
export function destinationsOf(endpoint: Endpoint, resolve: LookupFunction = systemLookup): Destinations {
  const { hostname } = new URL(endpoint.url);
  const named = [hostname, ...(endpoint.api?.url === undefined ? [] : [new URL(endpoint.api.url).hostname])];
  const trusted = endpoint.trust?.redirects ?? [];
  let depth = 0;

  const learn = (address: string): void => {
    const found = DEPTH[addressRange(address)];
    if (Number.isFinite(found)) depth = Math.max(depth, found);
  };
  const allows = (address: string): boolean => DEPTH[addressRange(address)] <= depth;
  if (isAddress(hostname)) learn(hostname);

  return {
    isNamed: (url) => named.includes(url.hostname) || isAtHost(url, trusted),
    check(host) {
      if (isAddress(host) && !allows(host)) throw forbidden(host, [host]);
    },
    own: judging(resolve, (_name, found) => {
      for (const { address } of found) learn(address);
      return found;
    }),
    foreign: judging(resolve, (name, found) => {
      const kept = found.filter(({ address }) => allows(address));
      if (kept.length > 0) return kept;
      throw forbidden(
        name,
        found.map(({ address }) => address),
      );
    }),
  };
}

/** Resolves a name, lets `judge` choose among its addresses, and answers in the form that was asked for. */
function judging(resolve: LookupFunction, judge: (name: string, found: LookupAddress[]) => LookupAddress[]): LookupFunction {
  return (name: string, options: LookupOptions, callback: Parameters<LookupFunction>[2]) =>
    resolve(name, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      try {
        const kept = judge(name, found as LookupAddress[]);
        if (options.all === true) callback(null, kept);
        else callback(null, kept[0]?.address ?? '', kept[0]?.family ?? 4);
      } catch (thrown) {
        callback(thrown as NodeJS.ErrnoException, []);
      }
    });
}

/** Tells the range and no address: what a name stands for inside is not for whoever reads the error. */
function forbidden(host: string, addresses: readonly string[]): Error {
  const ranges = [...new Set(addresses.map(addressRange))].join(' and ');
  const message = `it leads to ${host}, which is at a ${ranges} address: a registry may lead to public addresses, and to addresses as far inside as its own; if this is right, name the host in trust.redirects`;
  return Object.assign(new Error(message), { code: FORBIDDEN_ADDRESS });
}
