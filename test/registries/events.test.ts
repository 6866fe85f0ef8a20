import { expect, it } from '@jest/globals';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { describeWith } from '../support/clients.ts';
import { pushImage, TYPES } from '../support/images.ts';
import { cell } from '../support/matrix.ts';
import { testRegistry } from '../support/registries.ts';
import { onS3, testS3 } from '../support/s3.ts';
import { eventually } from '../support/eventually.ts';
import { startTwinport, workFolder } from '../support/twinport.ts';
import { ROW, type Name } from './registries.ts';

const SECRET = 'abcDEF123';

describeWith(['versitygw'], 'notifications', () => {
  it.each(['Distribution 2.8', 'Distribution 3 on S3'] as const satisfies readonly Name[])(
    'of %s start the sync of what was pushed, and forged ones do not',
    async (name) => {
      const webhook = await freePort();
      const url = `http://127.0.0.1:${webhook}/api/v4/container_registry_event/events`;
      const kind = name === 'Distribution 2.8' ? { version: 2 as const } : onS3(await testS3());
      const [primary, secondary] = await Promise.all([
        testRegistry({ ...kind, notifications: { url, secret: SECRET } }),
        testRegistry({ version: 3 }),
      ]);
      const folder = await workFolder(`
webhook: { listen: 127.0.0.1:${webhook}, secret: ${SECRET} }
primary: { url: '${primary.url}' }
secondaries:
  - { name: eu, url: '${secondary.url}' }
`);
      const up = startTwinport(['up'], folder);
      await up.waitFor(/Dashboard: /);
      const pushed = await pushImage(primary.url, 'app', 'v1', { layers: [50_000] });
      const look = async () =>
        (await fetch(`${secondary.url}/v2/app/manifests/v1`, { headers: { accept: TYPES.ociManifest } })).headers.get(
          'docker-content-digest',
        );
      await eventually(look, (digest) => digest === pushed.digest);
      const forged = await fetch(url, { method: 'POST', headers: { authorization: 'abcDEF124' }, body: '{"events":[]}' });
      expect(forged.status).toBe(401);
      up.kill('SIGTERM');
      await up.ended;
      cell(ROW[name], 'events');
    },
  );
});
