import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Descriptor } from '../../src/model/descriptor.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { headBlob } from '../../src/registry/blobs.ts';
import { copyBlobs, type CopyBlobsOptions } from '../../src/replication/copy-blobs.ts';
import { createRangePlan, PIECE_BYTES } from '../../src/replication/range-plan.ts';
import type { Site } from '../../src/replication/site.ts';
import { pushBlob, sha256 } from '../support/images.ts';
import { isRange, quirkProxy, type QuirkProxy, type QuirkRule } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { POLICY } from '../support/policy.ts';
import { route, sitePair } from './pair.ts';

const SIZE = 96 * 1024 * 1024;
const SLOW = 4 * 1024 * 1024;
const BLOBS = /\/blobs\//;
const OPTIONS: CopyBlobsOptions = { earlier: undefined, attempt: 1, onProgress: () => undefined, ended: () => 'cancelled' };

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
    copyBlobs(route(site, repository, POLICY), [wanted], OPTIONS);

  const arrived = async (): Promise<string> =>
    sha256(Buffer.from(await (await fetch(`${secondary.url}/v2/${repository}/blobs/${wanted.digest}`)).arrayBuffer()));

  it('is read in ranges, several at a time, where each connection is slow; and the site remembers', async () => {
    let site: Site;
    let tries = 0;
    // What is measured on a machine that has something else to do may be no gain; not each time.
    do {
      site = await push();
      source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: SLOW });
      expect(await copy(site)).toMatchObject({ failures: [], copied: 1, bytes: SIZE });
      expect(await arrived()).toBe(wanted.digest);
    } while (site.plan.ranges === 1 && ++tries < 3);
    expect(site.plan.ranges).toBeGreaterThan(1);
    expect(source.bytes('received', 'GET', BLOBS)).toBeLessThan(1.1 * SIZE);
    expect(ranges()).toBeGreaterThan(SIZE / PIECE_BYTES / 2);
  });

  it('is read though many others are read in ranges at the same time', async () => {
    const site = await push();
    const bodies = Array.from({ length: 6 }, () => randomBytes(34 * 1024 * 1024));
    const blobs: Descriptor[] = [];
    for (const body of bodies) blobs.push((await pushBlob(primary.url, repository, body, 'application/octet-stream')) as Descriptor);
    site.plan.settle(8);
    expect(await copyBlobs(route(site, repository, POLICY), blobs, OPTIONS)).toMatchObject({ failures: [], copied: 6 });
    expect(ranges()).toBeGreaterThan(0);
  });

  const odd: [string, QuirkRule][] = [
    ['all of the blob', { when: ({ headers }) => headers.range === undefined || delete headers.range }],
    ['a refusal', { when: isRange, answer: { status: 403 } }],
    ['that it cannot', { when: isRange, answer: { status: 501 } }],
    ['that there is no such part', { when: isRange, answer: { status: 416 } }],
    ['a part without the size of all', { when: isRange, setHeaders: { 'content-range': 'bytes 0-4194303/*' } }],
    ['less than it was asked for', { when: isRange, body: (bytes) => bytes.subarray(0, 1024 * 1024) }],
  ];

  it.each(odd)('is read with one connection where the answer to a range is %s', async (_, rule) => {
    const site = await push();
    site.plan.settle(4);
    source.rules.push({ method: 'GET', path: BLOBS, ...rule });
    expect(await copy(site)).toMatchObject({ failures: [], copied: 1, bytes: SIZE });
    expect(await arrived()).toBe(wanted.digest);
    expect(site.plan.ranges).toBe(1);
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

  it('is given up at once with its ranges when the sync is cancelled', async () => {
    const site = await push();
    site.plan.settle(8);
    source.rules.push({ method: 'GET', path: BLOBS, bytesPerSecond: 256 * 1024 });
    const cancel = new AbortController();
    const copying = copyBlobs(route(site, repository, POLICY, cancel.signal), [wanted], OPTIONS);
    await eventually(
      async () => ranges(),
      (seen) => seen >= 8,
    );
    expect(site.plan.active).toBe(1);
    cancel.abort();
    await expect(copying).rejects.toBeDefined();
    expect(site.plan.active).toBe(0);
  });

  it('whose size is another than its descriptor says takes no connection away from others', async () => {
    const site = await push();
    wanted = { ...wanted, size: wanted.size - 1_000 };
    const repositoryOfOthers = repository;
    for (let n = 0; n < 120; n++) {
      const { failures } = await copy(site);
      expect(failures[0]?.failure.code).toBe('SIZE_MISMATCH');
    }
    const others = await headBlob(site.primary, repositoryOfOthers, wanted.digest, AbortSignal.timeout(10_000));
    expect(others?.size).toBe(SIZE);
  });

  function ranges(): number {
    return source.seen.filter(({ method, path, headers }) => method === 'GET' && path.includes('/blobs/') && headers.range !== undefined)
      .length;
  }
});

describe('the plan', () => {
  it('holds what was found for a minute, and while somebody tries it is not due', () => {
    let now = 0;
    const plan = createRangePlan(8, () => now);
    expect(plan).toMatchObject({ ranges: 1, due: true });
    plan.begin();
    expect(plan.due).toBe(false);
    plan.giveUp();
    expect(plan).toMatchObject({ ranges: 1, due: true });
    plan.begin();
    plan.settle(4);
    expect(plan).toMatchObject({ ranges: 4, due: false });
    now = 60_001;
    expect(plan).toMatchObject({ ranges: 4, due: true });
  });

  it('shares the memory among the blobs, and leaves a primary that bears little alone', () => {
    const plan = createRangePlan(8);
    expect([0, 1, 2, 4, 7, 8].map((others) => plan.share(others))).toEqual([8, 8, 5, 3, 2, 1]);
    expect(createRangePlan(1).share(0)).toBe(1);
    expect(createRangePlan(4).share(0)).toBe(4);
  });
});
