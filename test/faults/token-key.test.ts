import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryAuth } from '../../src/processes/embedded/registry-config.ts';
import { pushImage } from '../support/images.ts';
import { ISSUER, SERVICE, signingKey, signToken, type SigningKey } from '../support/token-realm.ts';
import { eventually } from '../support/eventually.ts';
import { wrongClock } from '../support/wrong-clock.ts';
import type { SeenImage } from './api.ts';
import { shown, watched } from './cases.ts';
import { processSystem, type ProcessSystem } from './process-system.ts';
import { wireSystem } from './system.ts';

const HOUR_MS = 3_600_000;
const MIB = 1024 * 1024;
/** Where the configuration takes the key from. */
const KEY = 'REGISTRY_KEY';
const WORKERS = `{ type: token-key, key: '\${${KEY}}', issuer: ${ISSUER}, service: ${SERVICE} }`;

const HAPPENED = {
  'token-key-both': 'verified in spite of it',
  'token-key-late': '`failed` (401) until the workers had the new key',
};

/** Nobody asks at the realm: each side makes its own tokens. */
const trusting = (...keys: SigningKey[]): RegistryAuth => ({
  ...{ type: 'token', realm: 'http://127.0.0.1:1/token', service: SERVICE, issuer: ISSUER },
  certificate: keys.map(({ certificate }) => certificate).join('\n'),
});

/* The primary's registry and the workers share the key that signs tokens; 2.8 and 3 know it by different names. */
describe.each([2, 3] as const)('the shared key of a primary on Distribution %i', (version) => {
  const among = `Distribution ${version === 2 ? '2.8' : '3'}`;
  const opening = async (signing: SigningKey, repositories: readonly string[]): Promise<string> => {
    const access = repositories.map((name) => ({ type: 'repository', name, actions: ['pull', 'push'] }));
    return `Bearer ${await signToken(version, signing.key, access, { lifeSeconds: 3_600 })}`;
  };

  it('signs in vain by a clock that is an hour wrong, and well when it is right again', async () => {
    const [signing, clock] = [signingKey(), wrongClock()];
    const authorization = await opening(signing, ['ahead', 'behind']);
    const system = await wireSystem(
      { version, auth: trusting(signing) },
      { version: 3 },
      { auth: WORKERS, authorization: () => authorization, env: { ...clock.env, [KEY]: signing.key } },
    );
    for (const [repository, ms] of [
      ['ahead', HOUR_MS],
      ['behind', -HOUR_MS],
    ] as const) {
      await watched(system, 'own-clock', among, [repository], async () => {
        await clock.set(ms);
        const { digest } = await pushImage(system.primary.url, repository, 'v1', { authorization });
        await system.deliver(repository, 'v1', digest);
        const { reason } = await system.until(repository, 'v1', ({ sync }) => sync === 'failed');
        expect(reason).toMatch(`where the clock is 60 min ${ms > 0 ? 'ahead' : 'behind'}`);
        await clock.set(0);
        return `\`failed\`: ${shown(reason ?? '')
          .replace(repository, 'app')
          .replace(/ahead of|behind/u, 'ahead of (or behind)')}`;
      });
    }
  }, 200_000);

  it.each(['token-key-both', 'token-key-late'] as const)('%s: is changed while images come over', async (row) => {
    const [old, next] = [signingKey(), signingKey()];
    const repositories = ['small/a', 'small/b', 'large'];
    let authorization = await opening(old, repositories);
    const system = await processSystem({
      ...{ primary: version, secondary: 3 },
      auth: { registry: trusting(old), workers: WORKERS, authorization: () => authorization },
    });
    const trust = async (...keys: SigningKey[]): Promise<void> => {
      await system.primary.restart({ auth: trusting(...keys) });
      authorization = await opening(keys.at(-1) ?? next, repositories);
    };
    const worker = await system.startWorker({ [KEY]: old.key });
    const watch = system.watch(repositories);
    const traffic = keepPushing(system, () => authorization);
    try {
      system.source.rules.push({ method: 'GET', path: /\/large\/blobs\//, bytesPerSecond: 2 * MIB });
      await pushImage(system.primary.url, 'large', 'v1', { layers: [16 * MIB], authorization });
      await eventually(
        async () => system.source.bytes('received', 'GET', /\/large\/blobs\//),
        (bytes) => bytes > 2 * MIB,
      );
      await trust(...(row === 'token-key-both' ? [old, next] : [next]));
      if (row === 'token-key-late') await refused(system);
      await system.startWorker({ [KEY]: next.key });
      worker.kill('SIGTERM');
      await worker.ended;
      if (row === 'token-key-both') await trust(next);
      await sleep(2_000);
      await traffic.stop();
      await watch.recovered(120_000);
      await watch.report(row, HAPPENED[row], among);
    } finally {
      await traffic.stop();
      await watch.stop();
    }
    expect(await system.uploads()).toEqual([]);
  });
});

/** An image every quarter of a second, again until the registry takes it, as people do. */
function keepPushing({ primary }: ProcessSystem, authorization: () => string): { stop(): Promise<void> } {
  let stopped = false;
  const running = (async () => {
    for (let n = 0; !stopped; await sleep(250)) {
      const repository = n % 2 === 0 ? 'small/a' : 'small/b';
      const options = { layers: [20_000 + n], authorization: authorization() };
      const done = await pushImage(primary.url, repository, `v${n}`, options).catch(() => undefined);
      if (done) n += 1;
    }
  })();
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}

/** Waits until images fail for the key. */
async function refused({ url }: ProcessSystem): Promise<void> {
  const failed = async (): Promise<{ items: SeenImage[] }> =>
    (await fetch(`${url}/api/v1/sites/eu/images?state=failed`)).json() as Promise<{ items: SeenImage[] }>;
  await eventually(failed, ({ items }) => items.some(({ reason }) => reason?.includes('answered 401')), 60_000, 200);
}
