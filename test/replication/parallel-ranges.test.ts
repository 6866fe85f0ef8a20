import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Descriptor } from '../../src/model/descriptor.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { copyBlobs } from '../../src/replication/copy-blobs.ts';
import { createRangePlan, PIECE_BYTES } from '../../src/replication/range-plan.ts';
import type { Site } from '../../src/replication/site.ts';
import { pushBlob, sha256 } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { POLICY } from '../support/policy.ts';
import { route, sitePair } from './pair.ts';

const SIZE = 96 * 1024 * 1024;
const SLOW = 4 * 1024 * 1024;
const BLOBS = /\/blobs\//;

describe('a large blob', () => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let source: QuirkProxy;
  let wanted: Descriptor;
  let repository: string;
  let cases = 0;
  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 2 }), testRegistry({ version: 2 })]);
    source = await quirkProxy(primary.url);
  });

  /** A blob of its own in a repository of its own; `sitePair` for each, since a site remembers what it measured. */
  async function push(): Promise<Site> {
    source.reset();
    repository = `ranges${(cases += 1)}`;
    wanted = (await pushBlob(primary.url, repository, randomBytes(SIZE), 'application/octet-stream')) as Descriptor & { digest: Digest };
    return sitePair(source.url, secondary.url);
  }

  const copy = async (site: Site): Promise<Awaited<ReturnType<typeof copyBlobs>>> =>
    copyBlobs(route(site, repository, POLICY), [wanted], {
      ...{ earlier: undefined, attempt: 1, onProgress: () => undefined, ended: () => 'cancelled' },
    });

  const arrived = async (): Promise<string> =>
    sha256(Buffer.from(await (await fetch(`${secondary.url}/v2/${repository}/blobs/${wanted.digest}`)).arrayBuffer()));

  it('is read in ranges, several at a time, where each connection is slow; and the site remembers', async () => {
    const site = await push();
    source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: SLOW });
    expect(await copy(site)).toMatchObject({ failures: [], copied: 1, bytes: SIZE });
    expect(await arrived()).toBe(wanted.digest);
    expect(site.plan.ranges).toBeGreaterThan(1);
    expect(source.bytes('received', 'GET', BLOBS)).toBeLessThan(1.1 * SIZE);
    expect(ranges()).toBeGreaterThan(SIZE / PIECE_BYTES / 2);
  });

  it('is read with one connection where the registry knows no ranges', async () => {
    const site = await push();
    site.plan.settle(4);
    source.rules.push({ method: 'GET', path: BLOBS, when: ({ headers }) => delete headers.range });
    expect(await copy(site)).toMatchObject({ failures: [], copied: 1, bytes: SIZE });
    expect(await arrived()).toBe(wanted.digest);
    expect(site.primary.capabilities.ranges).toBe(false);
  });

  it('is whole though ranges are cut, and refused if one of them is wrong', async () => {
    const site = await push();
    site.plan.settle(4);
    source.rules.push({ method: 'GET', path: BLOBS, cutResponseAfter: 1024 * 1024, times: 12 });
    expect(await copy(site)).toMatchObject({ failures: [], copied: 1, bytes: SIZE });
    expect(await arrived()).toBe(wanted.digest);

    const other = await push();
    other.plan.settle(4);
    const third = `bytes=${2 * PIECE_BYTES}-`;
    source.rules.push({
      ...{ method: 'GET', path: BLOBS, when: ({ headers }) => headers.range?.startsWith(third) === true },
      body: (bytes) => Buffer.concat([Buffer.from([(bytes[0] ?? 0) ^ 1]), bytes.subarray(1)]),
    });
    const refused = await copy(other);
    expect(refused.failures[0]?.failure.code).toBe('DIGEST_MISMATCH');
    expect((await fetch(`${secondary.url}/v2/${repository}/blobs/${wanted.digest}`, { method: 'HEAD' })).status).toBe(404);
  });

  it('is given up at once with its ranges when the sync is cancelled, and leaves the memory to others', async () => {
    const site = await push();
    site.plan.settle(8);
    source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: 256 * 1024 });
    const cancel = new AbortController();
    const copying = copyBlobs(route(site, repository, POLICY, cancel.signal), [wanted], {
      ...{ earlier: undefined, attempt: 1, onProgress: () => undefined, ended: () => 'cancelled' },
    });
    while (ranges() < 8) await new Promise((resolve) => setTimeout(resolve, 20));
    cancel.abort();
    await expect(copying).rejects.toBeDefined();
    expect(placesLeft(site)).toBe(16);
  });

  function ranges(): number {
    return source.seen.filter(({ method, path, headers }) => method === 'GET' && path.includes('/blobs/') && headers.range !== undefined)
      .length;
  }
});

describe('the plan', () => {
  it('doubles while that brings a quarter more, and stays with what did for a while', () => {
    let now = 0;
    const plan = createRangePlan(() => now);
    expect(plan).toMatchObject({ ranges: 1, due: true });
    expect(plan.tried(2, 20, 10)).toBe(4);
    expect(plan.tried(4, 35, 20)).toBe(8);
    expect(plan.due).toBe(true);
    expect(plan.tried(8, 40, 35)).toBe(4);
    expect(plan).toMatchObject({ ranges: 4, due: false });
    now = 60_001;
    expect(plan.due).toBe(true);
    expect(plan.tried(8, 80, 40)).toBe(8);
    expect(plan.due).toBe(false);
    expect(plan.tried(2, 11, 10)).toBe(1);
  });
});

function placesLeft(site: Site): number {
  let left = 0;
  while (site.plan.take()) left += 1;
  return left;
}
