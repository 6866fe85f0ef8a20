import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinary } from '../../src/processes/embedded/binaries.ts';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';
import type { EmbeddedTemporal } from '../../src/processes/embedded/temporal.ts';
import { connectTemporal, type Temporal } from '../../src/processes/temporal/connect.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { testTemporal } from '../support/temporal.ts';
import { eventually } from '../support/eventually.ts';
import { startTwinport, twinport, workFolder } from '../support/twinport.ts';
import { historiesOf } from './histories.ts';

const TOKEN = 'token-of-this-test';
const keys = [
  { id: 'k2', key: randomBytes(32) },
  { id: 'k1', key: randomBytes(32) },
] as const;

/*
 * A whole system whose payloads Temporal cannot read, from a push to a failure, and through the change of a key.
 */
describe('encrypted payloads', () => {
  let temporal: EmbeddedTemporal;
  let postgres: EmbeddedPostgres;
  let ledgerFolder: string;
  let port: number;
  let sections: string;
  let outside: Temporal;

  beforeAll(async () => {
    ledgerFolder = await mkdtemp(join(tmpdir(), 'twinport-ledger-'));
    await chmod(ledgerFolder, 0o711);
    const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 })]);
    [temporal, postgres, port] = await Promise.all([testTemporal(), startPostgres({ dataDir: ledgerFolder }), freePort()]);
    await pushImage(primary.url, 'hidden/app', 'shown-tag');
    await pushImage(primary.url, 'hidden/refused', 'v1');
    const refusing = await quirkProxy(secondary.url, {
      rules: [
        {
          method: 'PUT',
          path: /hidden\/refused/,
          answer: { status: 403, body: '{"errors":[{"code":"DENIED","message":"a-reason-of-the-registry"}]}' },
        },
      ],
    });
    sections = `
ledger: { url: '${postgres.url}' }
control: { url: 'http://127.0.0.1:${port}', token: ${TOKEN} }
webhook: { listen: '127.0.0.1:${port}', secret: abcDEF123 }
primary: { url: '${primary.url}' }
secondaries: [{ name: eu, url: '${refusing.url}' }]
`;
    outside = await connectTemporal({ address: temporal.address, namespace: 'default' });
  });

  afterAll(async () => {
    await outside?.close();
    await postgres?.stop();
    await rm(ledgerFolder, { recursive: true, force: true });
  });

  const config = (ids: readonly string[]): string => {
    const list = ids.map((id) => `{ id: ${id}, key: '${keys.find((key) => key.id === id)?.key.toString('base64')}' }`);
    const encryption = ids.length === 0 ? '' : `, encryption: { keys: [${list.join(', ')}] }`;
    return `temporal: { address: '${temporal.address}', namespace: default${encryption} }${sections}`;
  };

  it('are unreadable in Temporal, and say to whoever has not the key that it lacks', async () => {
    const folder = await workFolder(config(['k1']));
    const starter = startTwinport(['starter'], folder);
    await starter.waitFor(/Dashboard: /);
    const worker = startTwinport(['worker', '--site', 'eu'], folder);
    await worker.waitFor(/polls/);
    const site = async (): Promise<{ verified: number; failed: number }> =>
      (await fetch(`http://127.0.0.1:${port}/api/v1/sites/eu`)).json() as Promise<{ verified: number; failed: number }>;
    await eventually(site, ({ verified, failed }) => verified === 1 && failed === 1, 120_000);
    expect((await twinport(['retry', '--site', 'eu', 'hidden/refused:v1'], folder)).code).toBe(0);
    await eventually(
      async () => JSON.stringify((await historiesOf(outside.client)).get('sync/eu/hidden/refused:v1') ?? []),
      (text) => text.includes('workflowExecutionFailedEventAttributes'),
    );

    const histories = await historiesOf(outside.client);
    expect([...histories.keys()]).toEqual(
      expect.arrayContaining(['backfill/eu', 'sync/eu/hidden/refused:v1', 'sync-repository/eu/hidden/app']),
    );
    const everything = JSON.stringify([...histories.values()]);
    const payloads = payloadsIn(everything);
    expect(payloads).toContain('binary/encrypted');
    // The names are in the ids and the search attributes; what was said of them is nowhere.
    expect(payloads).not.toMatch(/hidden|shown-tag|sha256|a-reason|DENIED/);
    expect(everything).not.toMatch(/a-reason-of-the-registry|answered 403/);

    expect(everything).not.toMatch(/Makes .hidden/);
    expect(everything).toMatch(/sync\/eu\/hidden/);
    // Temporal's own command reads them through the starter.
    const cli = await promisify(execFile)(findBinary('temporal'), [
      ...['workflow', 'show', '-w', 'sync/eu/hidden/refused:v1', '--output', 'json', '--address', temporal.address],
      ...['--codec-endpoint', `http://127.0.0.1:${port}/codec`, '--codec-auth', `Bearer ${TOKEN}`],
    ]);
    const shown = cli.stdout.replace(/"data": "([^"]*)"/g, (_all, data: string) => Buffer.from(data, 'base64').toString());
    expect(shown).toContain('a-reason-of-the-registry');

    for (const ids of [[], ['k2']]) {
      const stranger = await twinport(['worker', '--site', 'eu'], await workFolder(config(ids)));
      expect(stranger).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/encrypted with the key "k1": .*temporal\.encryption\.keys/),
      });
    }

    // The new key first, the old one behind it: what was encrypted before is still read.
    worker.kill('SIGTERM');
    await worker.ended;
    const rotated = startTwinport(['worker', '--site', 'eu'], await workFolder(config(['k2', 'k1'])));
    await rotated.waitFor(/polls/);
  });
});

/** Every payload, without what the SDK writes beside them: ids, types, search attributes. */
function payloadsIn(histories: string): string {
  const found: unknown[] = [];
  JSON.parse(histories, (key, value: unknown) => {
    if (key === 'payloads' || key === 'encodedAttributes' || key === 'memo') found.push(value);
    return value;
  });
  return JSON.stringify(found);
}
