import { expect, it } from '@jest/globals';
import { pushImage } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';
import { documentedSystem, SEEN_MS } from './docs-commands/system.ts';
import { runTwinportRows } from './docs-commands/twinport-rows.ts';
import { runTemporalRows } from './docs-commands/temporal-rows.ts';

/*
 * The README's tables of commands, run as they are written on one whole system, each with the effect that its row promises. What is in a table and not
 * run here fails the test: a new row needs a line here.
 */
it('every command of the README does what its row says', async () => {
  const system = await documentedSystem(async ({ primary, target }) => {
    target.rules.push(
      { method: 'PUT', path: /shop\/web\/manifests/, answer: { status: 401, body: '{}' } },
      { method: 'PUT', path: /shop\/denied\/manifests/, answer: { status: 403, body: '{"errors":[{"code":"DENIED"}]}' } },
    );
    await pushImage(primary.url, 'shop/web', '1.2');
    await pushImage(primary.url, 'app', 'latest', { label: 'v1' });
    await pushImage(primary.url, 'apart', 'v1');
    for (let n = 0; n < 6; n++) await pushImage(primary.url, 'gone', `g${n}`, { layers: [n + 1] });
  });
  try {
    await eventually(
      () => system.ask('/backfill'),
      ({ status }) => status === 'COMPLETED',
      SEEN_MS,
      200,
    );
    for (const [repository, tag] of [
      ['shop/denied', '1'],
      ['shop/web', '1.3'],
    ] as const) {
      await pushImage(system.primary.url, repository, tag);
      await system.until(repository, tag, ({ sync }) => sync === 'failed', SEEN_MS);
    }
    await runTemporalRows(system);
    await runTwinportRows(system);
    expect(system.notRun()).toEqual([]);
  } finally {
    await system.close();
  }
}, 1_200_000);
