import { afterAll, describe, expect, it } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startTemporal, type EmbeddedTemporal } from '../../src/processes/embedded/temporal.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-temporal-'));
const started: EmbeddedTemporal[] = [];
const start = async (...args: Parameters<typeof startTemporal>) => {
  const server = await startTemporal(...args);
  started.push(server);
  return server;
};
afterAll(async () => {
  await Promise.all(started.map((server) => server.stop()));
  rmSync(folder, { recursive: true });
});

async function connected<T>(address: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 10_000 });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

describe('startTemporal', () => {
  it('serves at once, with our search attributes', async () => {
    const server = await start();
    const attributes = await connected(server.address, (c) => c.operatorService.listSearchAttributes({ namespace: 'default' }));
    expect(Object.keys(attributes.customAttributes)).toEqual(expect.arrayContaining(['TwinportSite', 'TwinportRepository']));
    expect(server.uiUrl).toBeUndefined();
  });

  it('keeps its state in a file, serves the Web UI, and makes the namespace that was asked for', async () => {
    const options = { dbFile: join(folder, 'temporal.db'), ui: true, namespace: 'mirror' };
    const first = await start(options);
    expect(await (await fetch(first.uiUrl ?? '')).text()).toMatch(/<html/i);
    const id = await connected(first.address, async (c) => {
      const { namespaceInfo } = await c.workflowService.describeNamespace({ namespace: 'mirror' });
      return namespaceInfo?.id;
    });
    await first.stop();
    const second = await start({ ...options, ui: false });
    const again = await connected(second.address, (c) => c.workflowService.describeNamespace({ namespace: 'mirror' }));
    expect(id).toBeTruthy();
    expect(again.namespaceInfo?.id).toBe(id);
  });

  it('says that a port that was asked for is taken', async () => {
    const port = await freePort();
    const other = createServer((socket) => socket.destroy());
    // Taken by one who accepts nothing, so that the server's own failure is what is seen.
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    try {
      await expect(start({ port })).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(String(port)) });
    } finally {
      other.close();
    }
  });
});
