import { beforeAll, describe, expect, it } from '@jest/globals';
import type { SiteStatus } from '../../src/ledger/index.ts';
import { syncImageId } from '../../src/model/names.ts';
import type { RunningStarter } from '../../src/processes/starter/main.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { TYPES } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { envelope, SECRET, signalsTo, TOKEN, until, useStarter } from './support.ts';

const world = useStarter(['eu']);
const repository = 'twinport/canary';

describe('the canary', () => {
  let primary: EmbeddedRegistry;
  let proxy: QuirkProxy;
  let starter: RunningStarter;

  beforeAll(async () => {
    primary = await testRegistry({ version: 3 });
    proxy = await quirkProxy(primary.url);
    const limits = { requests: 8, transfers: 4 };
    const endpoint = { name: 'primary', side: 'primary', url: proxy.url, kind: 'oci', auth: { type: 'none' }, limits } as const;
    starter = await world.another({
      config: {
        webhook: { listen: '127.0.0.1:0', secrets: {} },
        retention: { inboxMs: 86_400_000, auditMs: 86_400_000, historyMs: 86_400_000 },
        canary: { endpoint, repository, everyMs: 3_000 },
      },
    });
  });

  const canary = async () => {
    const answer = await fetch(`${starter.url}/api/v1/sites/eu`, { headers: { authorization: `Bearer ${TOKEN}` } });
    return ((await answer.json()) as SiteStatus).canary;
  };
  const held = async (): Promise<string | null> => {
    const answer = await fetch(`${primary.url}/v2/${repository}/manifests/canary`, {
      method: 'HEAD',
      headers: { accept: TYPES.ociManifest },
    });
    return answer.headers.get('docker-content-digest');
  };

  it('is pushed, moves its tag each time, and says when its event came', async () => {
    const first = await until(async () => (await held()) ?? undefined);
    expect(await canary()).toMatchObject({ seconds: null, received: 0 });
    const second = await until(async () => ((await held()) !== first ? ((await held()) ?? undefined) : undefined));
    const body = JSON.stringify(envelope({ repository, tag: 'canary', digest: second }));
    const headers = { 'content-type': 'application/vnd.docker.distribution.events.v2+json', authorization: SECRET };
    expect((await fetch(`${starter.url}/events/distribution`, { method: 'POST', headers, body })).status).toBe(202);
    const seen = await until(async () => {
      const found = await canary();
      return (found?.received ?? 0) > 0 ? found : undefined;
    });
    expect(seen).toMatchObject({ received: 1, failed: 0 });
    // It is nobody's image.
    expect(await signalsTo(world.client, syncImageId('eu', repository, 'canary'))).toEqual([]);
    const metrics = await (await fetch(`${starter.url}/metrics`)).text();
    expect(metrics).toContain('twinport_canaries{result="received"} 1');
  });

  it('that may not be pushed says so', async () => {
    proxy.rules.push({ method: 'PUT', path: /manifests/, status: 403 });
    const failed = await until(async () => {
      const found = await canary();
      return found?.state === 'failed' ? found : undefined;
    });
    expect(failed.failure).toMatch(/403/);
    proxy.reset();
    await until(async () => ((await canary())?.state === 'waiting' ? true : undefined));
  });
});
