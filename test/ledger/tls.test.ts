import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { openLedger } from '../../src/ledger/index.ts';
import { failureOf } from '../registry/support/sessions.ts';
import { makeKeyPair } from '../registry/support/keys.ts';
import { useLedger } from './support.ts';

/*
 * TLS to PostgreSQL, by the URL alone. It begins inside PostgreSQL's own protocol, and ends in front of a real server.
 */
describe('a ledger behind TLS', () => {
  const postgres = useLedger();
  let folder: string;
  let listening: Server;
  let port: number;
  let seen: (string | undefined)[] = [];
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinport-ledger-tls-'));
    const ca = makeKeyPair('p256', { name: 'our authority' });
    const server = makeKeyPair('p256', { name: 'db', san: 'IP:127.0.0.1', ca });
    const client = makeKeyPair('p256', { name: 'twinport', ca });
    const other = makeKeyPair('p256', { name: 'another authority' });
    const files = { 'ca.pem': ca.cert, 'other.pem': other.cert, 'client.pem': client.cert, 'client.key': client.key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const secureContext = createSecureContext({ key: server.key, cert: server.cert, ca: ca.cert });
    listening = createServer((plain) => {
      sockets.add(plain);
      plain.on('error', () => plain.destroy());
      // SSLRequest: a length of 8 and a number of its own; anything else wants no TLS.
      plain.once('data', (first) => {
        if (first.length !== 8 || first.readInt32BE(4) !== 80_877_103) return void plain.destroy();
        plain.write('S');
        const secured = new TLSSocket(plain, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false });
        secured.on('error', () => secured.destroy());
        secured.on('secure', () => seen.push((secured.getPeerCertificate() as { subject?: { CN?: string } }).subject?.CN));
        const { host, port: number } = postgres.server.poolConfig;
        const behind = connect(`${host}/.s.PGSQL.${number}`);
        sockets.add(behind);
        behind.on('error', () => behind.destroy());
        secured.pipe(behind).pipe(secured);
      });
    });
    await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
    port = (listening.address() as AddressInfo).port;
  });
  afterAll(async () => {
    listening.close();
    for (const socket of sockets) socket.destroy();
    await rm(folder, { recursive: true });
  });

  const url = (query: string, host = '127.0.0.1'): string => {
    const { user, database } = postgres.server.poolConfig;
    return `postgresql://${user}@${host}:${port}/${database}?${query.replaceAll('DIR', folder)}`;
  };

  it('is opened with a private authority, and with a certificate of ours', async () => {
    seen = [];
    await (await openLedger(url('sslmode=verify-full&sslrootcert=DIR/ca.pem'))).close();
    expect(new Set(seen)).toEqual(new Set([undefined]));
    seen = [];
    await (await openLedger(url('sslmode=verify-full&sslrootcert=DIR/ca.pem&sslcert=DIR/client.pem&sslkey=DIR/client.key'))).close();
    expect(new Set(seen)).toEqual(new Set(['twinport']));
  });

  it.each([
    ['with another authority', 'sslmode=verify-full&sslrootcert=DIR/other.pem'],
    ['with the system’s authorities', 'sslmode=verify-full'],
    ['without TLS', 'sslmode=disable'],
  ])('is not opened %s', async (_what, query) => {
    expect(await failureOf(openLedger(url(query)))).toMatchObject({ code: 'LEDGER' });
  });

  it('is not opened under another name', async () => {
    expect(await failureOf(openLedger(url('sslmode=verify-full&sslrootcert=DIR/ca.pem', 'localhost')))).toMatchObject({ code: 'LEDGER' });
  });
});
