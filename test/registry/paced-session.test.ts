import { describe, expect, it } from '@jest/globals';
import { pacedSession } from '../../src/registry/paced-session.ts';
import { headManifest } from '../../src/registry/manifests.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { testSession } from './support/sessions.ts';

describe('a paced session', () => {
  it('sends so many requests a second, and keeps nobody else waiting', async () => {
    const proxy = await quirkProxy((await testRegistry({ version: 3 })).url);
    const session = testSession(proxy.url);
    const paced = pacedSession(session, 20);
    const began = performance.now();
    const scan = Promise.all(Array.from({ length: 25 }, (_, n) => headManifest(paced, 'a/b', `v${n}`)));
    // The 25 wait for a second; a push's request goes at once, before most of them.
    expect(await headManifest(session, 'a/b', 'pushed')).toBeUndefined();
    await scan;
    expect(proxy.seen.findIndex(({ path }) => path.endsWith('/pushed'))).toBeLessThan(15);
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(proxy.seen).toHaveLength(26);
  });

  it('gives up waiting when it is cancelled', async () => {
    const paced = pacedSession(testSession('http://127.0.0.1:9'), 1);
    const signal = AbortSignal.timeout(50);
    await headManifest(paced, 'a/b', 'v1').catch(() => undefined);
    await expect(headManifest(paced, 'a/b', 'v2', signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
