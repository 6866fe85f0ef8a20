import { expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { freePort, keepPort } from '../../src/processes/embedded/free-port.ts';

it('a free port is none that the system gives to a connection made meanwhile', async () => {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '49152 65535');
  const first = Number(range.split(/\s+/)[0]);
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  for (const port of ports) expect(port).toBeLessThan(first);
});

it('a free port is given once, however many are asked for at a time', async () => {
  // Of 600 out of 17,000 some ten pairs would be the same by chance.
  const ports = await Promise.all(Array.from({ length: 600 }, freePort));
  expect(new Set(ports).size).toBe(ports.length);
});

it('a free port is not given to another process before its server listens, and can be listened on', async () => {
  const port = await freePort();
  expect(await keepPort(port)).toBeUndefined();
  const other = (script: string) => spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout;
  expect(
    other(`const s = require('dgram').createSocket('udp4'); s.on('error', (e) => console.log(e.code)); s.bind(${port}, '127.0.0.1')`),
  ).toBe('EADDRINUSE\n');
  expect(other(`const s = require('net').createServer().listen(${port}, '127.0.0.1', () => { console.log('listens'); s.close(); })`)).toBe(
    'listens\n',
  );
});
