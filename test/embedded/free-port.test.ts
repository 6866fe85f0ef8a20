import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { freePort } from '../../src/processes/embedded/free-port.ts';

it('a free port is none that the system gives to a connection made meanwhile', async () => {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '49152 65535');
  const first = Number(range.split(/\s+/)[0]);
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  for (const port of ports) expect(port).toBeLessThan(first);
  expect(new Set(ports).size).toBeGreaterThan(15);
});
