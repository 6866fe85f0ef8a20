import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startRegistry, type EmbeddedRegistry, type RegistryOptions } from '../../src/processes/embedded/registry.ts';
import { pushImage } from '../support/images.ts';
import { TEST_USER } from '../support/registries.ts';

let registry: EmbeddedRegistry | undefined;
const start = async (options: RegistryOptions) => (registry = await startRegistry(options));
afterEach(() => registry?.stop());

const BOTH = [{ version: 2 }, { version: 3 }] as const;

describe('startRegistry', () => {
  it.each(BOTH)('runs version $version, keeps content over a restart, and leaves no folder behind', async ({ version }) => {
    const { url, dir, restart, stop, pid } = await start({ version });
    const { digest } = await pushImage(url, 'group/app', 'v1', { layers: [1000] });
    await restart();
    expect(registry?.pid).not.toBe(pid);
    const answer = await fetch(`${url}/v2/group/app/manifests/v1`, { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } });
    expect(answer.headers.get('docker-content-digest')).toBe(digest);
    await stop();
    expect(existsSync(dir)).toBe(false);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it.each(BOTH)('version $version tells of a push by tag, with the secret, and of no blobs', async ({ version }) => {
    const seen: { authorization: string | undefined; body: { events: { action: string; target: { tag?: string } }[] } }[] = [];
    const receiver = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        seen.push({ authorization: request.headers.authorization, body: JSON.parse(body) as never });
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    try {
      const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
      const { url } = await start({ version, notifications: { url: hook, secret: 'geoSecret1', timeout: '30s' } });
      await pushImage(url, 'group/app', 'v1', { layers: [1000] });
      const deadline = Date.now() + 20_000;
      while (seen.length === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ authorization: 'geoSecret1', body: { events: [{ action: 'push', target: { tag: 'v1' } }] } });
    } finally {
      receiver.close();
    }
  });

  it.each(BOTH)('version $version refuses strangers with htpasswd, and writes where it is read-only', async ({ version }) => {
    const { url, restart } = await start({ version, auth: { type: 'htpasswd', users: [TEST_USER.line] } });
    expect((await fetch(`${url}/v2/`)).status).toBe(401);
    expect((await fetch(`${url}/v2/`, { headers: { authorization: TEST_USER.basic } })).status).toBe(200);
    await restart({ readOnly: true });
    const upload = await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST', headers: { authorization: TEST_USER.basic } });
    expect(upload.status).toBe(405);
  });

  it('says what the registry printed when it does not start', async () => {
    const starting = startRegistry({ version: 3, extra: { storage: { nonsense: {} } } });
    await expect(starting).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(/storage/) });
  });
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
