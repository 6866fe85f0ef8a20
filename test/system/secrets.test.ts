import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';
import { connectTemporal, type Temporal } from '../../src/processes/temporal/connect.ts';
import { httpServer } from '../registry/support/http-server.ts';
import { makeKeyPair } from '../registry/support/keys.ts';
import { ISSUER, SERVICE, tokenServer } from '../registry/support/token-server.ts';
import { pushImage } from '../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { testTemporal } from '../support/temporal.ts';
import { eventually } from '../support/eventually.ts';
import { startTwinport, twinport, workFolder, type RunningTwinport } from '../support/twinport.ts';
import { historiesOf } from './histories.ts';

const PLANTED = {
  login: 'pLanted-login-6d1f',
  bearer: 'pLanted.bearer+token/77aa==',
  webhook: 'pLantedWebhook88ab',
  inPath: 'pLantedInPath9c3d',
  token: 'pLanted-api-token-41e0',
  ledger: 'pLanted-ledger-5b5b',
} as const;

/*
 * A whole system in which secrets are planted and everything fails that can, at registries that write what they were shown into their answers. Then all
 * that the system keeps or shows is searched for them.
 */
describe('no secret is to be found', () => {
  const processes: RunningTwinport[] = [];
  let postgres: EmbeddedPostgres;
  let ledgerFolder: string;
  let port: number;
  let metricsPort: number;
  let outside: Temporal;
  let folder: string;
  let primary: QuirkProxy;
  let secondary: QuirkProxy;
  let key: string;
  const shownToParrot: string[] = [];

  beforeAll(async () => {
    ledgerFolder = await mkdtemp(join(tmpdir(), 'twinport-ledger-'));
    await chmod(ledgerFolder, 0o711);
    const pair = makeKeyPair('rsa');
    key = pair.key;
    const service = await tokenServer(pair);
    service.rules.login = `robot:${PLANTED.login}`;
    const auth = { type: 'token', realm: `${service.url}/token`, service: SERVICE, issuer: ISSUER, certificate: pair.cert } as const;
    // What was pushed before is there without a token: the content is read by the registry's own key.
    const open = await testRegistry({ version: 3 });
    const [closed, temporal] = await Promise.all([testRegistry({ version: 3, auth }), testTemporal()]);
    [postgres, port, metricsPort] = await Promise.all([startPostgres({ dataDir: ledgerFolder }), freePort(), freePort()]);
    for (const name of ['fine', 'denied', 'located', 'broken', 'unread']) await pushImage(open.url, `team/${name}`, 'v1');
    const parrot = await httpServer((_url, request, response) => {
      const header = request.headers.authorization ?? '';
      shownToParrot.push(header);
      request.resume().once('end', () => {
        if (header === '') response.writeHead(401, { 'www-authenticate': 'Bearer realm="/nowhere"' }).end();
        else response.writeHead(403, { location: `/v2/?t=${encodeURIComponent(header)}` }).end(`you said ${header}`);
      });
    });
    // In front of the open one a token is asked for, so that the worker makes one with the key.
    primary = await echoing(open.url, [[/unread/, 500]]);
    secondary = await echoing(closed.url, [
      [/denied\/manifests/, 403],
      [/broken\/blobs\/uploads/, 500],
      [/located\/blobs\/uploads/, 202],
    ]);
    folder = await workFolder(`
temporal: { address: '${temporal.address}', namespace: default }
ledger: { url: '${postgres.url}&password=${PLANTED.ledger}' }
control: { url: 'http://127.0.0.1:${port}', token: ${PLANTED.token} }
webhook: { listen: '127.0.0.1:${port}', secret: ${PLANTED.webhook}, secrets: { dockerhub: ${PLANTED.inPath} } }
worker: { listen: '127.0.0.1:${metricsPort}' }
primary: { url: '${primary.url}', kind: distribution, auth: { type: token-key, keyFile: key.pem, issuer: ${ISSUER}, service: ${SERVICE} } }
secondaries:
  - { name: eu, url: '${secondary.url.replace('//', `//robot:${PLANTED.login}@`)}' }
  - { name: ap, url: '${parrot}', auth: { type: bearer, token: '${PLANTED.bearer}' } }
`);
    await writeFile(join(folder, 'key.pem'), key);
    outside = await connectTemporal({ address: temporal.address, namespace: 'default' });
  });

  afterAll(async () => {
    await outside?.close();
    await postgres?.stop();
    await rm(ledgerFolder, { recursive: true, force: true });
  });

  it('in histories, ledger, output, pages, metrics and files, whatever has failed', async () => {
    processes.push(startTwinport(['starter'], folder));
    await processes[0]?.waitFor(/Dashboard: /);
    for (const site of ['eu', 'ap']) {
      // One listens for metrics; the other would want the same port.
      const worker = startTwinport(['worker', '--site', site, ...(site === 'ap' ? ['-c', await withoutMetrics()] : [])], folder);
      processes.push(worker);
      await worker.waitFor(/polls/);
    }
    for (const name of ['fine', 'denied', 'located', 'broken', 'unread']) await deliver(name);
    await strangers();
    const counts = async (site: string): Promise<{ verified: number; failed: number }> => json(`/api/v1/sites/${site}`);
    await eventually(
      () => counts('eu'),
      ({ verified, failed }) => verified === 1 && failed >= 3,
      120_000,
      250,
    );
    await eventually(
      () => counts('ap'),
      ({ failed }) => failed >= 4,
      60_000,
      250,
    );
    const commands = [
      ['images', '--site', 'eu', '--json'],
      ['images', '--site', 'ap'],
      ['status'],
      ['retry', '--site', 'ap', 'team/fine:v1'],
      ['doctor'],
      ['config', 'check'],
    ];
    const said: string[] = [];
    for (const command of commands) said.push(...outputOf(await twinport(command, folder)));

    const found = new Map<string, string>([
      ['the histories', JSON.stringify([...(await historiesOf(outside.client))])],
      ['the ledger', await dump(postgres)],
      ['what commands print', said.join('\n')],
      ['the files', await filesOf(join(folder, '.twinport'))],
    ]);
    for (const path of ['/', '/metrics', '/healthz', '/readyz', '/api/v1/sites', ...['eu', 'ap'].flatMap(routesOf)])
      found.set(path, await (await fetch(`http://127.0.0.1:${port}${path}`)).text());
    found.set("the worker's metrics", await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text());
    for (const process of processes) process.kill('SIGTERM');
    for (const [at, process] of processes.entries()) found.set(`the output of process ${at}`, outputOf(await process.ended).join('\n'));

    // The search is worth something only if there was something to find it in.
    expect(found.get('the ledger')).toMatch(/answered 403/);
    expect(found.get('the histories')).toMatch(/answered 403/);
    const secrets = planted();
    expect(secrets.length).toBeGreaterThan(20);
    const leaks = [...found].flatMap(([where, text]) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => `${where}: ${secret} in …${around(text, secret)}…`),
    );
    expect(leaks).toEqual([]);
  });

  /** Every secret that was configured, and every header that went to a registry. */
  function planted(): string[] {
    const headers = [...primary.seen, ...secondary.seen].flatMap(({ headers: { authorization } }) => authorization ?? []);
    const credentials = [...headers, ...shownToParrot].map((header) => header.replace(/^\S+ /, '')).filter((text) => text.length > 8);
    const lines = key.split('\n').filter((line) => line.length > 30 && !line.startsWith('-----'));
    const plain = [...Object.values(PLANTED), ...lines, ...new Set(credentials)];
    return [...new Set(plain.flatMap((text) => [text, encodeURIComponent(text), Buffer.from(text).toString('base64')]))];
  }

  /** Writes the header that it was sent into its answer to what matches. */
  async function echoing(upstream: string, rules: [RegExp, number][]): Promise<QuirkProxy> {
    const proxy = await quirkProxy(upstream);
    for (const [path, status] of rules) {
      proxy.rules.push({
        path,
        when: ({ headers }) => headers.authorization !== undefined,
        answer: {
          status,
          get headers() {
            const header = proxy.seen.at(-1)?.headers.authorization ?? '';
            return { location: `/v2/team/x/blobs/uploads/1?t=${encodeURIComponent(header.replace(/^\S+ /, ''))}`, range: '0-0' };
          },
          get body() {
            const header = proxy.seen.at(-1)?.headers.authorization ?? '';
            return JSON.stringify({ errors: [{ code: 'UNKNOWN', message: `with ${header}`, detail: header }] });
          },
        },
      });
    }
    return proxy;
  }

  async function withoutMetrics(): Promise<string> {
    const text = await readFile(join(folder, 'twinport.yaml'), 'utf8');
    const file = join(folder, 'other.yaml');
    await writeFile(file, text.replace(/^worker: .*$/m, ''));
    return file;
  }

  async function deliver(name: string): Promise<void> {
    const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', repository: `team/${name}`, tag: 'v1' };
    const response = await fetch(`http://127.0.0.1:${port}/events/distribution`, {
      method: 'POST',
      headers: { authorization: PLANTED.webhook },
      body: JSON.stringify({ events: [{ id: name, action: 'push', target }] }),
    });
    expect(response.status).toBe(202);
  }

  /** Requests with the right secret in the wrong place, and with a wrong one. */
  async function strangers(): Promise<void> {
    const ask = async (path: string, headers: Record<string, string> = {}, body = '{}'): Promise<number> =>
      (
        await fetch(`http://127.0.0.1:${port}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
        })
      ).status;
    expect(await ask(`/events/dockerhub/${PLANTED.inPath}`)).toBe(400);
    expect(await ask(`/events/distribution/${PLANTED.webhook}`)).toBe(404);
    expect(await ask(`/events/${PLANTED.webhook}`)).toBe(404);
    expect(await ask(`/${PLANTED.token}`)).toBe(404);
    expect(await ask(`/api/v1/sites/eu/retry?token=${PLANTED.token}`)).toBe(401);
    expect(await ask('/api/v1/sites/eu/retry', { authorization: `Bearer ${PLANTED.token}` }, `{"references":["${PLANTED.token}!"]}`)).toBe(
      400,
    );
    expect(await ask('/login', { 'content-type': 'application/x-www-form-urlencoded' }, `token=${PLANTED.token}x`)).toBe(401);
  }

  const routesOf = (site: string): string[] =>
    ['', '/images', '/images?state=failed', '/deletions', '/backfill', '/verify', '/images/team/denied:v1'].map(
      (path) => `/api/v1/sites/${site}${path}`,
    );

  async function json<T>(path: string): Promise<T> {
    return (await fetch(`http://127.0.0.1:${port}${path}`)).json() as Promise<T>;
  }
});

function outputOf({ stdout, stderr }: { stdout: string; stderr: string }): string[] {
  return [stdout, stderr];
}

function around(text: string, secret: string): string {
  const at = text.indexOf(secret);
  return text.slice(Math.max(0, at - 120), at + secret.length + 40);
}

/** Every row of every table. */
async function dump({ poolConfig }: EmbeddedPostgres): Promise<string> {
  const client = new pg.Client(poolConfig);
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`);
      texts.push(`${name}\n${rows.map(({ row }) => row).join('\n')}`);
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
}

/** What lies in the data directory, but for `run.json`, which holds the token as it is documented. */
async function filesOf(dataDir: string): Promise<string> {
  const names = await readdir(dataDir, { recursive: true });
  const texts = names.filter((name) => name !== 'run.json').map((name) => readFile(join(dataDir, name), 'latin1').catch(() => ''));
  return (await Promise.all(texts)).join('\n');
}
