import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { contentFile } from '../replication/storage.ts';
import { pushImage, sha256, type PushedImage } from '../support/images.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { runFile, startTwinport, twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

describe.each([3, 2] as const)('twinport verify, of a Distribution %i', (version) => {
  let primary: EmbeddedRegistry;
  let secondary: EmbeddedRegistry;
  let folder: string;
  const images: PushedImage[] = [];

  beforeAll(async () => {
    [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version })]);
    images.length = 0;
    for (const name of ['whole', 'flipped', 'lost', 'manifest'])
      images.push(await pushImage(primary.url, name, 'v1', { layers: [{ seed: name, size: 70_000 }] }));
  });

  it('names one flipped byte, mends a lost blob and a lost manifest, and heals once the broken file is gone', async () => {
    folder = await workFolder();
    const up = startTwinport(['up', '--primary', primary.url, '--secondary', secondary.url], folder);
    await up.waitFor(/Dashboard/);
    const { url } = await runFile(folder);
    const status = async () => ((await (await fetch(`${url}/api/v1/sites`)).json()) as { items: Record<string, unknown>[] }).items[0];
    await eventually(status, (site) => site?.['verified'] === 4, 60_000);

    const [, flipped, lost, manifest] = images as [PushedImage, PushedImage, PushedImage, PushedImage];
    const broken = contentFile(secondary, flipped.layers[0]?.digest ?? '');
    const bytes = await readFile(broken);
    bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
    await writeFile(broken, bytes);
    await rm(contentFile(secondary, lost.layers[0]?.digest ?? ''));
    const revision = join(
      secondary.dir,
      'data/docker/registry/v2/repositories/manifest/_manifests/revisions/sha256',
      manifest.digest.slice(7),
    );
    await rm(revision, { recursive: true });

    const first = await twinport(['verify', '--depth', 'deep', '--wait', '--json'], folder);
    expect(first.json).toMatchObject({ status: 'COMPLETED', images: 4, repaired: 2, failed: 1 });
    expect(first.code).toBe(1);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^twinport_blobs_total\{site="[\w-]+",outcome="healed"\} 1$/m);
    const failed = await twinport(['images', '--state', 'failed', '--json'], folder);
    expect(failed.json).toMatchObject({
      reference: 'flipped:v1',
      sync: 'failed',
      reason: expect.stringContaining(flipped.layers[0]?.digest ?? '?'),
      // Which tag, what was wanted, what is there, and what helps.
      difference: {
        what: 'blob',
        repository: 'flipped',
        reference: flipped.layers[0]?.digest,
        want: { digest: flipped.layers[0]?.digest, size: 70_000 },
        have: { digest: sha256(bytes), size: 70_000 },
        remedy: expect.stringContaining('remove its file'),
      },
    });

    // What its registry keeps, an operator removes.
    await rm(broken);
    const second = await twinport(['retry', '--failed'], folder);
    expect(second.code).toBe(0);
    await eventually(status, (site) => site?.['verified'] === 4 && site['failed'] === 0, 60_000);
    const third = await twinport(['verify', '--depth', 'deep', '--wait', '--json'], folder);
    expect(third.json).toMatchObject({ status: 'COMPLETED', images: 4, repaired: 0, failed: 0 });
    expect(third.code).toBe(0);
    expect(difference(await walk(primary.url), await walk(secondary.url))).toEqual([]);
    // Nothing lacks, and a listing was whole: the recovery point is proved.
    const proved = await status();
    expect(proved?.['recoveryPointSeconds']).toBeGreaterThanOrEqual(0);
    expect(proved?.['lagSeconds']).toBe(0);
  });
});
