import { beforeAll, describe, expect, it } from '@jest/globals';
import { acrFake } from '../support/clouds/acr.ts';
import { ecrFake } from '../support/clouds/ecr.ts';
import { garFake } from '../support/clouds/gar.ts';
import type { GuardedFront } from '../support/clouds/guarded-front.ts';
import { pushImage } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';

const LIFE_SECONDS = 5;
const REPOSITORIES = 20;
const TAGS = 10;
const SLOW_BYTES = 3_000_000;
const SLOW_SECONDS = 30;

/** A cloud, how the configuration names it, and how often it gave out what. */
interface Cloud {
  readonly front: GuardedFront;
  readonly primary: string;
  readonly env: Readonly<Record<string, string>>;
  given(): number[];
}

describe('a cloud whose tokens end after five seconds', () => {
  let upstream: string;
  let slow: string;
  const names = Array.from({ length: REPOSITORIES }, (_, n) => `app${n}`);

  beforeAll(async () => {
    upstream = (await testRegistry({ version: 3 })).url;
    for (const name of names)
      await Promise.all(
        Array.from({ length: TAGS }, (_, n) =>
          pushImage(upstream, `p/r/${name}`, `v${n}`, { layers: [{ seed: name, size: 500 }], label: `${name}/${n}` }),
        ),
      );
    const image = await pushImage(upstream, 'p/r/slow', 'v1', { layers: [SLOW_BYTES] });
    slow = image.layers[0]?.digest ?? '';
  });

  async function acr(): Promise<Cloud> {
    const front = await acrFake(upstream, LIFE_SECONDS);
    const primary = `{ url: '${front.url}', kind: acr, auth: { type: acr, credential: managed-identity } }`;
    return { front, primary, env: front.env, given: () => [front.refresh.given, front.access.given] };
  }
  async function ecr(): Promise<Cloud> {
    const front = await ecrFake(upstream, LIFE_SECONDS);
    for (const name of [...names, 'slow']) front.repositories.set(`p/r/${name}`, {});
    const primary = `{ url: '${front.url}', kind: ecr, auth: { type: ecr, region: eu-west-1 }, api: { url: '${front.url}' } }`;
    return { front, primary, env: front.env, given: () => [front.tokens.given] };
  }
  async function gar(): Promise<Cloud> {
    const front = await garFake(upstream, LIFE_SECONDS);
    front.packages.set('projects/p/locations/us/repositories/r', [...names, 'slow']);
    const where = `namespaces: [projects/p/locations/us], api: { url: '${front.url}' }`;
    const primary = `{ url: '${front.url}', kind: gar, auth: { type: gar }, ${where} }`;
    return {
      front,
      primary,
      env: { ...front.env, METADATA_SERVER_DETECTION: 'assume-present' },
      given: () => [front.google.given, front.registry.given],
    };
  }

  async function sync({ front, primary, env }: Cloud) {
    Object.assign(front.rules, { blobBytesPerSecond: SLOW_BYTES / SLOW_SECONDS, slowFrom: 1_000_000, cutAtEnd: true });
    const { url } = await testRegistry({ version: 3 });
    const folder = await workFolder(`primary: ${primary}\nsecondaries: [{ name: eu, url: '${url}' }]\n`);
    return twinport(['sync', '--json'], folder, { HOME: folder, ...env });
  }

  it('acr, ecr and gar: 200 images, and a blob that takes 30 s and is broken off whenever its token ends, all without a failure', async () => {
    // Together: most of the time is spent waiting for the slow blob.
    const clouds = await Promise.all([acr(), ecr(), gar()]);
    const results = await Promise.all(clouds.map(sync));
    for (const [n, { code, json, stderr }] of results.entries()) {
      const images = REPOSITORIES * TAGS + 1;
      expect({ code, json, stderr: code === 0 ? '' : stderr.slice(-2_000) }).toMatchObject({
        code: 0,
        stderr: '',
        json: { images, synced: images, verified: images, failed: 0, pending: 0, held: 0 },
      });
      expect(Number(json['seconds'])).toBeGreaterThanOrEqual(SLOW_SECONDS - 1);
      const cloud = clouds[n];
      // One token cannot have been enough: not for the blob, and not for all the rest.
      expect(cloud?.front.count('GET', new RegExp(`/blobs/${slow}`))).toBeGreaterThanOrEqual(SLOW_SECONDS / LIFE_SECONDS);
      for (const given of cloud?.given() ?? []) expect(given).toBeGreaterThanOrEqual(SLOW_SECONDS / LIFE_SECONDS);
    }
  });
});
