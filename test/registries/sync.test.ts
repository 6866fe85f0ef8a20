import { beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../support/clients.ts';
import { pushCosign, pushImage, pushIndex, pushNestedIndex, pushReferrer } from '../support/images.ts';
import { testOciServer } from '../support/oci-server.ts';
import { testRegistry } from '../support/registries.ts';
import { onS3, testS3 } from '../support/s3.ts';
import { twinport, workFolder } from '../support/twinport.ts';
import { difference, walk } from '../support/walk.ts';

/* As people run it: one command, two registries that `npm test` does not have as a pair. */
describeWith(['versitygw'], 'twinport sync between a registry with the referrers API and one on S3', () => {
  let oci: string;
  let s3: string;
  beforeAll(async () => {
    [oci, s3] = (await Promise.all([testOciServer(), testRegistry(onS3(await testS3()))].map(async (one) => (await one).url))) as [
      string,
      string,
    ];
  });

  it('leaves both sides equal, in both directions, and has nothing to do the second time', async () => {
    const image = await pushImage(s3, 'app', 'v1', { layers: [6_000_000, 1_000] });
    await pushImage(s3, 'app', 'docker', { mediaType: 'docker' });
    await pushNestedIndex(s3, 'app', 'nested');
    await pushReferrer(s3, 'app', await pushIndex(s3, 'app', 'multi'));
    await pushReferrer(s3, 'app', image);
    await pushCosign(s3, 'app', image);

    const folder = await workFolder();
    const there = ['sync', '--primary', s3, '--secondary', oci, '--json'];
    const first = await twinport(there, folder);
    expect(first.stderr).not.toMatch(/warning|error/i);
    expect(first).toMatchObject({ code: 0, json: { failed: 0, pending: 0 } });
    expect(difference(await walk(s3), await walk(oci))).toEqual([]);
    expect((await twinport(there, folder)).json).toMatchObject({ bytesCopied: 0, blobsCopied: 0, blobsMounted: 0 });

    await pushImage(oci, 'back', 'v1', { layers: [6_000_000, 2_000] });
    const back = await twinport(['sync', '--primary', oci, '--secondary', s3, '--include', 'back', '--json'], await workFolder());
    expect(back).toMatchObject({ code: 0, json: { images: 1, verified: 1 } });
    expect(difference(await walk(oci, { repositories: ['back'] }), await walk(s3, { repositories: ['back'] }))).toEqual([]);
  });
});
