import { afterAll, describe, expect, it } from '@jest/globals';
import type { LookupFunction } from 'node:net';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { addressRange } from '../../../src/registry/transport/address-range.ts';
import { destinationsOf } from '../../../src/registry/transport/destinations.ts';
import { isAtHost } from '../../../src/registry/transport/host-pattern.ts';
import { openWire, type Wire } from '../../../src/registry/transport/wire.ts';
import { httpServer } from '../support/http-server.ts';

describe('addressRange', () => {
  it.each([
    [
      'reserved',
      '169.254.169.254',
      '169.254.170.2',
      '0.0.0.0',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      '255.255.255.255',
      '224.0.0.1',
    ],
    ['reserved', '::', 'fd00:ec2::254', 'fd20:ce::254', 'fe80::1', 'fe80::1%eth0', 'ff02::1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe'],
    ['reserved', '64:ff9b::169.254.169.254', '2002:a9fe:a9fe::1', '[fe80::1]', 'no address'],
    ['loopback', '127.0.0.1', '127.255.0.9', '::1', '[::1]', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fc00::1', 'fd12:3456::1', '::ffff:10.1.2.3'],
    ['public', '1.1.1.1', '172.32.0.1', '100.128.0.1', '169.253.0.1', '2606:4700:4700::1111', '[2606:4700::1]', '64:ff9b::1.1.1.1'],
  ])('%s: %s …', (range, ...addresses) => {
    expect(addresses.map((address) => `${address} ${addressRange(address)}`)).toEqual(addresses.map((address) => `${address} ${range}`));
  });
});

describe('isAtHost', () => {
  it.each([
    ['https://minio.corp:9000/x', 'minio.corp', true],
    ['https://minio.corp:9000/x', 'minio.corp:9000', true],
    ['https://minio.corp:9001/x', 'minio.corp:9000', false],
    ['https://minio.corp/x', 'minio.corp:443', true],
    ['http://minio.corp/x', 'minio.corp:80', true],
    ['https://a.b.corp.example/x', '*.corp.example', true],
    ['https://corp.example/x', '*.corp.example', false],
    ['https://evilcorp.example/x', '*.corp.example', false],
    ['https://minio.corp.evil.example/x', 'minio.corp', false],
    ['http://[::1]:5000/', '[::1]:5000', true],
    ['http://[::1]:5000/', '[::1]', true],
    ['http://x/', '', false],
  ])('%s is at %s: %s', (url, pattern, expected) => {
    expect(isAtHost(new URL(url), [pattern])).toBe(expected);
  });
});

const ENDPOINT: Endpoint = {
  name: 'eu',
  side: 'primary',
  url: 'https://registry.test',
  kind: 'oci',
  auth: { type: 'none' },
  limits: { requests: 2, transfers: 2 },
};

/** A resolver that knows these names alone. */
function resolverOf(names: Readonly<Record<string, readonly string[]>>): LookupFunction {
  return (name, _options, callback) => {
    const found = names[name];
    if (!found) callback(Object.assign(new Error(`no such name: ${name}`), { code: 'ENOTFOUND' }), []);
    else
      callback(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  };
}

describe('destinationsOf', () => {
  it('keeps the public ones among a name’s addresses', async () => {
    const resolve = resolverOf({ 'mixed.test': ['127.0.0.1', '1.1.1.1', '169.254.169.254', '2606:4700::1'] });
    const { foreign } = destinationsOf({ ...ENDPOINT, url: 'https://93.184.216.34' }, resolve);
    const ask = (options: object) => new Promise((done) => foreign('mixed.test', options, (...answer) => done(answer)));
    expect(await ask({ all: true })).toEqual([
      null,
      [
        { address: '1.1.1.1', family: 4 },
        { address: '2606:4700::1', family: 6 },
      ],
    ]);
    expect(await ask({})).toEqual([null, '1.1.1.1', 4]);
  });
});

describe('a wire', () => {
  const wires: Wire[] = [];
  afterAll(() => Promise.all(wires.splice(0).map((wire) => wire.close())));

  const wire = (url: string, names: Record<string, string[]> = {}, trust?: Endpoint['trust']): Wire => {
    const opened = openWire({ ...ENDPOINT, url, ...(trust ? { trust } : {}) }, resolverOf(names));
    wires.push(opened);
    return opened;
  };
  /** `reached`, or the code of what became of it instead. */
  async function outcome(from: Wire, url: string): Promise<string> {
    try {
      const { body } = await from.exchange({ method: 'GET', url: new URL(url), headers: {} });
      await body.dump();
      return 'reached';
    } catch (thrown) {
      return String((thrown as { code?: unknown }).code);
    }
  }
  const REFUSED = 'TWINPORT_ADDRESS';

  it('of a public registry leads to no address inside, however it is written', async () => {
    const inside = await httpServer((_url, _request, response) => void response.end('secret'));
    const port = new URL(inside).port;
    const from = wire('https://93.184.216.34');
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '127.1',
      '0',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '10.0.0.1',
      '[fd00:ec2::254]',
    ])
      expect([host, await outcome(from, `http://${host}:${port}/`)]).toEqual([host, REFUSED]);
  });

  it('of a public registry leads to no name that stands for one', async () => {
    const inside = await httpServer((_url, _request, response) => void response.end('secret'));
    const port = new URL(inside).port;
    const names = {
      'loop.test': ['127.0.0.1'],
      'meta.test': ['169.254.169.254'],
      'six.test': ['::1', 'fd00:ec2::254'],
      'private.test': ['10.0.0.1'],
      'registry.test': ['93.184.216.34'],
    };
    const from = wire('https://registry.test', names);
    for (const host of ['loop.test', 'meta.test', 'six.test', 'private.test', 'localhost'])
      expect([host, await outcome(from, `http://${host}:${port}/`)]).toEqual([host, host === 'localhost' ? 'ENOTFOUND' : REFUSED]);
  });

  it('leads as far inside as the registry itself is', async () => {
    const inside = await httpServer((_url, _request, response) => void response.end('content'));
    const port = new URL(inside).port;
    const names = { 'storage.test': ['127.0.0.1'], 'registry.test': ['127.0.0.1'], 'meta.test': ['169.254.169.254'] };
    const byName = wire(`http://registry.test:${port}`, names);
    // Nothing is known of it before it was asked.
    expect(await outcome(byName, `http://storage.test:${port}/`)).toBe(REFUSED);
    expect(await outcome(byName, `http://registry.test:${port}/`)).toBe('reached');
    expect(await outcome(byName, `http://storage.test:${port}/`)).toBe('reached');
    expect(await outcome(wire(inside, names), `http://storage.test:${port}/`)).toBe('reached');
    expect(await outcome(wire(inside, names), `http://meta.test/`)).toBe(REFUSED);
    expect(await outcome(wire('https://10.1.2.3', names), `http://storage.test:${port}/`)).toBe(REFUSED);
  });

  it('leads wherever the configuration says, and to no other port there', async () => {
    const inside = await httpServer((_url, _request, response) => void response.end('content'));
    const other = await httpServer((_url, _request, response) => void response.end('secret'));
    const [port, wrong] = [new URL(inside).port, new URL(other).port];
    const names = { 'minio.corp.test': ['127.0.0.1'] };
    const trusting = (...redirects: string[]): Wire => wire('https://93.184.216.34', names, { redirects });
    expect(await outcome(trusting(`minio.corp.test:${port}`), `http://minio.corp.test:${port}/`)).toBe('reached');
    expect(await outcome(trusting(`minio.corp.test:${port}`), `http://minio.corp.test:${wrong}/`)).toBe(REFUSED);
    expect(await outcome(trusting('*.corp.test'), `http://minio.corp.test:${port}/`)).toBe('reached');
    expect(await outcome(trusting(`127.0.0.1:${port}`), `${inside}/`)).toBe('reached');
    expect(await outcome(trusting(`127.0.0.1:${port}`), `${other}/`)).toBe(REFUSED);
  });
});
