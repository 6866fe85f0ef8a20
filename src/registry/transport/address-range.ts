import { BlockList, isIP } from 'node:net';

/** From where anybody may reach an address: everywhere, a private network, this machine, or a place where no registry's storage ever is. */
export type AddressRange = 'public' | 'private' | 'loopback' | 'reserved';

/**
 * Addresses that are no service's of the Internet: link-local ones, among them the clouds' metadata services (169.254.169.254, fe80::), the others
 * of these (AWS on IPv6, Azure's host, Alibaba's, Oracle's), "this host", multicast, and what is kept for documentation and tests.
 */
const RESERVED = listOf(
  ['0.0.0.0/8', '100.100.100.200/32', '168.63.129.16/32', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24'],
  ['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ['::/128', '100::/64', '2001:db8::/32', 'fd00:ec2::/32', 'fd20:ce::/32', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
);
const LOOPBACK = listOf(['127.0.0.0/8', '::1/128']);
/** 198.18.0.0/15 is for tests of networks; resolvers that send all traffic through a tunnel give out such addresses. */
const PRIVATE = listOf(['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15', 'fc00::/7']);

/**
 * The range of an IP address, brackets allowed; an IPv4 address that is written inside an IPv6 one (mapped, NAT64, 6to4) counts as itself.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function addressRange(text: string): AddressRange {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const address = embeddedIPv4(bare) ?? bare;
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || RESERVED.check(address, family)) return 'reserved';
  if (LOOPBACK.check(address, family)) return 'loopback';
  return PRIVATE.check(address, family) ? 'private' : 'public';
}

/** Whether a URL's host is an address rather than a name. */
export function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}

function listOf(...groups: readonly (readonly string[])[]): BlockList {
  const list = new BlockList();
  for (const range of groups.flat()) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** `::ffff:a.b.c.d`, `::a.b.c.d`, `64:ff9b::a.b.c.d` and `2002:abcd:…` lead to an IPv4 address. */
function embeddedIPv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  // The URL parser writes IPv6 addresses in their shortest form, and in hexadecimal alone.
  const words = wordsOf(new URL(`http://[${address}]/`).hostname.slice(1, -1));
  const zeros = (until: number): boolean => words.slice(0, until).every((word) => word === 0);
  const [high = 0, low = 0] = words.slice(6);
  if (zeros(5) && (words[5] === 0xffff || (words[5] === 0 && high !== 0))) return dotted(high, low);
  if (words[0] === 0x64 && words[1] === 0xff9b) return dotted(high, low);
  return words[0] === 0x2002 ? dotted(words[1] ?? 0, words[2] ?? 0) : undefined;
}

function wordsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const read = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)));
  const [before, after] = [read(head), tail === undefined ? [] : read(tail)];
  return tail === undefined ? before : [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
